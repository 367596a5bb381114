"""Verdicts with all that they rest on, into their tables and out of them."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from slotforge.core import types as core
from slotforge.core.comparison import FamilyVerdict, Held, Pair, Verdict
from slotforge.lineage import rows, schema, standings, summaries
from slotforge.lineage.records import Confirmation, moment
from slotforge.lineage.writer import execute

FIGURES = ("ratio", "low", "high", "p", "instances", "cpu_ratio")
SIDES = ("candidate", "against")


def keep(connection: Connection, run: str | None, *verdicts: Held) -> None:
    """Write verdicts down; a trial of the run that led to a better candidate becomes CONFIRMED."""
    shared = [row for held in verdicts for row in _shared(held)]
    execute(connection, shared)
    numbered = [(_keep(connection, run, held), held) for held in verdicts]
    row = schema.Trial
    better = {held.candidate.id for held in verdicts if held.verdict.verdict == "better"}
    ours = (row.run == run, row.candidate.in_(sorted(better)), row.state == core.TrialState.SCORED.value)
    changed = connection.execute(update(row).where(*ours).values(state=core.TrialState.CONFIRMED.value)).rowcount
    if run is not None and changed:
        summaries.confirmed(connection, run, changed)
    standings.judge(connection, run, numbered)


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


def _shared(held: Held) -> rows.Rows:
    where = [rows.of_environment(held.environment)] if held.environment else []
    return where + rows.of_candidate(held.candidate) + rows.of_candidate(held.against)


def _keep(connection: Connection, run: str | None, held: Held) -> int:
    """Write a verdict down with its figures and pairs, and return its id."""
    verdict = held.verdict
    key = {"run": run, "candidate": held.candidate.id, "against": held.against.id, "at": time.time()}
    about = {"proofs": verdict.proofs, "models": verdict.models, "notes": list(verdict.notes)}
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


def confirmations(
    connection: Connection, where: ColumnElement[bool], *, pairs: bool = True
) -> tuple[Confirmation, ...]:
    """Read the verdicts that fulfil a condition on `schema.Verdict`, in the order in which they were kept.

    Args:
        pairs: read what they rest on as well.
    """
    verdict, environment = schema.Verdict, schema.Environment
    overall, families = figures(connection, where)
    behind = _pairs(connection, where) if pairs else defaultdict(list)
    query = select(verdict.__table__, environment.facts).outerjoin(environment, environment.id == verdict.environment)
    return tuple(
        Confirmation(
            **{name: row[name] for name in ("run", "candidate", "against")},
            at=moment(row["at"]),
            verdict=Verdict(
                **overall[row["id"]],
                families=families[row["id"]],
                **{name: row[name] for name in ("proofs", "models", "notes")},
            ),
            environment=row["facts"] or {},
            pairs=tuple(behind[row["id"]]),
        )
        for row in connection.execute(query.where(where).order_by(verdict.id)).mappings()
    )


def figures(
    connection: Connection, where: ColumnElement[bool]
) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, FamilyVerdict]]]:
    """Read the figures of verdicts: those over all families, and those per family."""
    verdict, part = schema.Verdict, schema.VerdictFamily
    query = select(part.__table__).join(verdict, verdict.id == part.verdict).where(where).order_by(part.id)
    overall: dict[int, dict[str, Any]] = {}
    families: dict[int, dict[str, FamilyVerdict]] = defaultdict(dict)
    for row in connection.execute(query).mappings():
        own = {"verdict": row["outcome"], **{figure: row[figure] for figure in FIGURES}}
        if row["family"] is None:
            overall[row["verdict"]] = own
        else:
            families[row["verdict"]][row["family"]] = FamilyVerdict(**own)
    return overall, families


def _pairs(connection: Connection, where: ColumnElement[bool]) -> dict[int, list[Pair]]:
    verdict, run = schema.Verdict, schema.VerdictMeasurement
    query = select(run.__table__).join(verdict, verdict.id == run.verdict).where(where)
    found = connection.execute(query.order_by(run.verdict, run.position)).mappings().all()
    pairs: dict[int, list[Pair]] = defaultdict(list)
    for first, second in zip(found[::2], found[1::2], strict=True):
        sides = {row["side"]: rows.record(core.Measurement, row) for row in (first, second)}
        pairs[first["verdict"]].append(Pair(**sides, candidate_first=first["side"] == SIDES[0]))
    return pairs


def held(connection: Connection, where: ColumnElement[bool]) -> tuple[Held, ...]:
    """Read verdicts as `confirmations` does, with the sources of both sides."""
    found = confirmations(connection, where)
    made = rows.candidates(connection, (id_ for one in found for id_ in (one.candidate, one.against)))
    return tuple(
        Held(
            candidate=made[one.candidate],
            against=made[one.against],
            verdict=one.verdict,
            pairs=one.pairs,
            environment=one.environment,
        )
        for one in found
    )
