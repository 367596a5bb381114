"""Verdicts with all that they rest on, into their tables and out of them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Executable, bindparam, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from slotforge.core import types as core
from slotforge.core.comparison import FamilyVerdict, Held, Pair, Verdict
from slotforge.lineage import rows, schema, standings, summaries
from slotforge.lineage.prepared import prepared
from slotforge.lineage.records import Confirmation, moment
from slotforge.lineage.refutations import refutations
from slotforge.lineage.writer import execute

FIGURES = ("ratio", "low", "high", "p", "instances", "cpu_ratio")
SIDES = ("candidate", "against")
BETTER = "better"
About = Literal["id", "run", "candidate"]  # columns of verdicts that they are chosen by


def keep(connection: Connection, run: str | None, *verdicts: Held) -> None:
    """Write verdicts down; a trial of the run that led to a better candidate becomes CONFIRMED.

    Of what was refuted, now or before, no trial of any run is.
    """
    shared = [row for held in verdicts for row in _shared(held)]
    execute(connection, shared)
    numbered = [(_keep(connection, run, held), held) for held in verdicts]
    row = schema.Trial
    refuted = refutations(connection, {held.candidate.id for held in verdicts})
    better = {held.candidate.id for held in verdicts if held.verdict.verdict == BETTER} - refuted.keys()
    ours = (row.run == run, row.candidate.in_(sorted(better)), row.state == core.TrialState.SCORED.value)
    changed = connection.execute(update(row).where(*ours).values(state=core.TrialState.CONFIRMED.value)).rowcount
    if run is not None and changed:
        summaries.confirmed(connection, run, changed)
    for candidate in sorted(refuted):
        _no_longer_confirmed(connection, candidate)
    standings.judge(connection, run, numbered, refuted)


def _no_longer_confirmed(connection: Connection, candidate: str) -> None:
    """Take back, in all runs, that a candidate was confirmed."""
    row = schema.Trial
    ours = (row.candidate == candidate, row.state == core.TrialState.CONFIRMED.value)
    for run, trials in connection.execute(select(row.run, func.count()).where(*ours).group_by(row.run)).all():
        summaries.confirmed(connection, run, -trials)
    connection.execute(update(row).where(*ours).values(state=core.TrialState.SCORED.value))


def opened(connection: Connection, run: str) -> int:
    """Count the other runs with a verdict whose holdout split has instances of the holdout split of this one."""
    ours, theirs, same, other = schema.Suite, aliased(schema.Suite), schema.Instance, aliased(schema.Instance)
    query = (
        select(func.count(theirs.run.distinct()))
        .join(other, other.key == theirs.instance)
        .join(same, same.id == other.id)
        .join(ours, ours.instance == same.key)
        .where(
            ours.run == run,
            ours.split == core.Split.HOLDOUT.value,
            theirs.run != run,
            theirs.split == core.Split.HOLDOUT.value,
            exists().where(schema.Verdict.run == theirs.run),
        )
    )
    return connection.scalars(query).one()


def not_better(connection: Connection, candidate: str, against: str, pairs: Sequence[Pair]) -> int:
    """Count the verdicts that looked in vain for something better than a reference; see `core.seams.Store`."""
    kept, overall, pair = schema.Verdict, schema.VerdictFamily, schema.VerdictMeasurement
    runs = {(one.against.instance, one.against.seed) for one in pairs}
    again = (kept.candidate == candidate) & pair.family.in_(sorted({one.against.family for one in pairs}))
    here = pair.instance.in_(sorted({instance for instance, _ in runs}))
    query = (
        select(func.count(kept.id.distinct()))
        .join(overall, overall.verdict == kept.id)
        .join(pair, pair.verdict == kept.id)
        .where(kept.against == against, overall.family.is_(None), overall.outcome != BETTER, ~kept.control)
        .where(again | here)
    )
    ours = (kept.against == against, kept.candidate == candidate)
    looked = select(kept.id, pair.instance, pair.seed).join(pair, pair.verdict == kept.id).where(*ours).distinct()
    earlier: dict[int, set[tuple[str, int]]] = defaultdict(set)
    for number, instance, seed in connection.execute(looked):
        earlier[number].add((instance, seed))
    first = min((number for number, made in earlier.items() if made == runs), default=None)
    return connection.scalars(query if first is None else query.where(kept.id < first)).one()


def _shared(held: Held) -> rows.Rows:
    where = [rows.of_environment(held.environment)] if held.environment else []
    return where + rows.of_candidate(held.candidate) + rows.of_candidate(held.against)


def _keep(connection: Connection, run: str | None, held: Held) -> int:
    """Write a verdict down with its figures and pairs, and return its id."""
    verdict = held.verdict
    key = {"run": run, "candidate": held.candidate.id, "against": held.against.id, "at": time.time()}
    about: dict[str, Any] = {name: getattr(verdict, name) for name in ("proofs", "models")}
    about |= {"notes": list(verdict.notes), "control": held.control}
    about["environment"] = rows.of_environment(held.environment)[1]["id"] if held.environment else None
    number = connection.scalars(insert(schema.Verdict).values(**key, **about).returning(schema.Verdict.id)).one()
    rows_of = [
        {"verdict": number, "family": family, "outcome": part.verdict}
        | {figure: getattr(part, figure) for figure in FIGURES}
        for family, part in [(None, verdict), *verdict.families.items()]
    ]
    connection.execute(insert(schema.VerdictFamily), rows_of)
    execute(connection, _of_pairs(number, held))
    return number


def _of_pairs(verdict: int, held: Held) -> rows.Rows:
    """Write down the runs of all pairs, in their order."""
    sides = [side for pair in held.pairs for side in (SIDES if pair.candidate_first else SIDES[::-1])]
    runs = (run for pair in held.pairs for run in pair.runs)
    made = rows.measured("verdict_measurement", {"verdict": verdict}, runs)
    return [(kind, {**row, "side": side}) for (kind, row), side in zip(made, sides, strict=True)]


def confirmations(connection: Connection, about: About, of: str, *, pairs: bool = True) -> tuple[Confirmation, ...]:
    """Read the verdicts of a run or on a candidate, in the order in which they were kept.

    Args:
        of: the id of the run or of the candidate.
        pairs: read what they rest on as well.
    """
    found = told(connection, about, [of])
    if not found:
        return ()
    overall, families = figures(connection, about, [of])
    behind = _pairs(connection, about, of) if pairs else defaultdict(list)
    return tuple(
        Confirmation(
            **{name: row[name] for name in ("run", "candidate", "against", "control")},
            at=moment(row["at"]),
            verdict=Verdict(
                **overall[row["id"]],
                families=families[row["id"]],
                **{name: row[name] for name in ("proofs", "models", "notes")},
            ),
            environment=row["facts"] or {},
            pairs=tuple(behind[row["id"]]),
        )
        for row in found
    )


def told(connection: Connection, about: About, of: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
    """Read what stands of verdicts in their own rows, with the facts of their environments, in their order."""
    return _verdicts(about).mappings(connection, of=list(of))


def figures(
    connection: Connection, about: About, of: Sequence[Any]
) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, FamilyVerdict]]]:
    """Read the figures of verdicts: those over all families, and those per family."""
    overall: dict[int, dict[str, Any]] = {}
    families: dict[int, dict[str, FamilyVerdict]] = defaultdict(dict)
    for row in _families(about).mappings(connection, of=list(of)):
        own = {"verdict": row["outcome"], **{figure: row[figure] for figure in FIGURES}}
        if row["family"] is None:
            overall[row["verdict"]] = own
        else:
            families[row["verdict"]][row["family"]] = FamilyVerdict(**own)
    return overall, families


@prepared
def _verdicts(about: About) -> Executable:
    verdict, environment = schema.Verdict, schema.Environment
    query = select(verdict.__table__, environment.facts).outerjoin(environment, environment.id == verdict.environment)
    return query.where(_about(about)).order_by(verdict.id)


@prepared
def _families(about: About) -> Executable:
    verdict, part = schema.Verdict, schema.VerdictFamily
    columns = (getattr(part, name) for name in ("verdict", "family", "outcome", *FIGURES))
    query = select(*columns).join(verdict, verdict.id == part.verdict)
    return query.where(_about(about)).order_by(part.id)


def _about(about: About) -> ColumnElement[bool]:
    column: Any = getattr(schema.Verdict, about)
    chosen: ColumnElement[bool] = column.in_(bindparam("of", type_=column.type, expanding=True))
    return chosen


def _pairs(connection: Connection, about: About, of: str) -> dict[int, list[Pair]]:
    verdict, run = schema.Verdict, schema.VerdictMeasurement
    query = select(run.__table__).join(verdict, verdict.id == run.verdict).where(getattr(verdict, about) == of)
    found = connection.execute(query.order_by(run.verdict, run.position)).mappings().all()
    pairs: dict[int, list[Pair]] = defaultdict(list)
    for first, second in zip(found[::2], found[1::2], strict=True):
        sides = {row["side"]: rows.record(core.Measurement, row) for row in (first, second)}
        pairs[first["verdict"]].append(Pair(**sides, candidate_first=first["side"] == SIDES[0]))
    return pairs


def held(connection: Connection, run: str) -> tuple[Held, ...]:
    """Read the verdicts of a run as `confirmations` does, with the sources of both sides."""
    found = confirmations(connection, "run", run)
    made = rows.candidates(connection, (id_ for one in found for id_ in (one.candidate, one.against)))
    return tuple(
        Held(
            candidate=made[one.candidate],
            against=made[one.against],
            verdict=one.verdict,
            control=one.control,
            pairs=one.pairs,
            environment=one.environment,
        )
        for one in found
    )
