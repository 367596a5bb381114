"""Keep how candidates stand against their baseline, for the list of the best: by verdicts, else by searches."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from slotforge.core import types as core
from slotforge.core.comparison import FamilyVerdict, Held
from slotforge.lineage import schema
from slotforge.lineage.refutations import refutations
from slotforge.lineage.summaries import SCORED, Row, Written, slot_set, write
from slotforge.lineage.summary_schema import FamilyStanding

Key = tuple[str, int]  # run and number of a trial
Runs = dict[Key, list[Any]]  # measurements of trials
CONFIRMED, UNCONFIRMED = 0, 1  # ranks
Charges = Mapping[tuple[str, int], Sequence[float]]  # what a baseline was charged, by instance and seed

BASELINE = select(*(getattr(schema.Measurement, name) for name in ("instance", "seed", "cost", "outcome"))).where(
    schema.Measurement.run == bindparam("of"), schema.Measurement.number == 0
)


def search(connection: Connection, written: Written, sets: Mapping[str, Row]) -> None:
    """Let the candidates of scored trials, that were just written, stand by their ratios where no verdict is known.

    Args:
        sets: the slot sets of all candidates of the trials.
    """
    made = {
        (row["run"], row["number"]): row["candidate"]
        for row in written["trial"]
        if row["state"] in SCORED and row["candidate"] and sets[row["candidate"]]["slots"]
    }
    ratios = {(row["run"], row["number"]): row["ratio"] for row in written["trial"]}
    overall = [((made[key],), ratios[key], key[0]) for key in made if ratios[key] is not None]
    of = {id_: _of(sets[id_]) for id_ in made.values()}
    measured: Runs = defaultdict(list)
    for row in written["measurement"]:
        measured[row["run"], row["number"]].append(row)
    for run in (row["run"] for row in written["trial"] if row["number"] == 0):
        _before_baseline(connection, run, made, of, measured)
    charges = {run: _charges(connection, run) for run in sorted({run for run, _ in made})}
    by_family = [
        ((candidate, family), ratio, key[0])
        for key, candidate in made.items()
        for family, ratio in _ratios(measured[key], charges[key[0]]).items()
    ]
    write(connection, "searched", _rows(("candidate",), overall, of), "candidate")
    write(connection, "family_searched", _rows(("candidate", "family"), by_family, of), "candidate", "family")
    refuted = refutations(connection, of.keys())
    fallen = {(candidate, family) for (candidate, family), *_ in by_family if candidate in refuted}
    rows = [
        {"candidate": candidate, "family": family, **of[candidate], "rank": UNCONFIRMED, **refuted[candidate]}
        for candidate, family in fallen
    ]
    write(connection, "family_judged", rows, "candidate", "family", "verdict")


def judge(
    connection: Connection, run: str | None, verdicts: Iterable[tuple[int, Held]], refuted: Mapping[str, Any]
) -> None:
    """Let candidates with slots stand by their verdicts against the baseline, given with their ids.

    Args:
        refuted: candidates that stand by what refuted them, whatever comes later.
    """
    overall, by_family = [], []
    for number, held in verdicts:
        made, against, verdict = held.candidate, held.against, held.verdict
        held_against = against.slots and not verdict.refuted  # what failed, failed whatever it was held against
        if not made.slots or held_against or against.domain != made.domain:
            continue
        if made.id in refuted and not verdict.refuted:
            continue
        of = _of(slot_set(made.domain, made.slots))
        key = {"candidate": made.id, **of, "run": run, "verdict": number}
        measured = {one.family for pair in held.pairs for one in pair.runs}
        alone = dict.fromkeys(measured, verdict) if len(measured) == 1 else {}  # over all, which is over this one
        overall.append({**key, **_figures(verdict)})
        if verdict.refuted:
            alone |= dict.fromkeys(_families(connection, made.id), verdict)
        for family, part in {**alone, **verdict.families}.items():
            by_family.append({**key, "family": family, **_figures(part)})
    write(connection, "judged", overall, "candidate", "verdict")
    write(connection, "family_judged", by_family, "candidate", "family", "verdict")


def _families(connection: Connection, candidate: str) -> Sequence[str]:
    """List the families in which a candidate stands."""
    return connection.scalars(select(FamilyStanding.family).where(FamilyStanding.candidate == candidate)).all()


def _of(found: Row) -> Row:
    return {"domain": found["domain"], "slot_set": found["id"]}


def _figures(verdict: FamilyVerdict) -> Row:
    rank = CONFIRMED if verdict.verdict == "better" else UNCONFIRMED
    return {"rank": rank, "ratio": verdict.ratio, "low": verdict.low, "high": verdict.high}


def _rows(
    names: Sequence[str], found: Iterable[tuple[tuple[str, ...], float, str]], of: Mapping[str, Row]
) -> list[Row]:
    """Keep the least (ratio, run) of each key."""
    least: dict[tuple[str, ...], tuple[float, str]] = {}
    for key, ratio, run in found:
        least[key] = min((ratio, run), least.get(key, (ratio, run)))
    unjudged = {"rank": UNCONFIRMED, "low": None, "high": None, "verdict": None}
    return [
        {**dict(zip(names, key, strict=True)), **of[key[0]], "ratio": ratio, "run": run, **unjudged}
        for key, (ratio, run) in least.items()
    ]


def _charges(connection: Connection, run: str) -> Charges:
    charges: dict[tuple[str, int], list[float]] = defaultdict(list)
    for instance, seed, cost, outcome in connection.execute(BASELINE, {"of": run}):
        if cost > 0:
            charges[instance, seed].append(core.charge(cost, outcome))
    return charges


def _ratios(measured: Iterable[Mapping[str, Any]], charges: Charges) -> dict[str, float]:
    """Take the geometric mean, by family, of what runs count as over those of the baseline."""
    logs: dict[str, list[float]] = defaultdict(list)
    for row in measured:
        own = core.charge(row["cost"], row["outcome"]) if row["cost"] > 0 else math.inf
        for base in charges.get((row["instance"], row["seed"]), ()):
            if own < math.inf and base < math.inf:
                logs[row["family"]].append(math.log(core.clipped(own / base)))
    return {family: math.exp(math.fsum(of) / len(of)) for family, of in logs.items()}


def _before_baseline(connection: Connection, run: str, made: dict[Key, str], of: dict[str, Row], runs: Runs) -> None:
    """Add the scored trials of a run that were written before its baseline."""
    trial, row, slot = schema.Trial, schema.Measurement, schema.CandidateSlot
    ours = (trial.run == run, trial.state.in_(SCORED), trial.number != 0)
    replaced = select(trial.number, trial.candidate, schema.Candidate.domain, slot.slot).where(*ours)
    replaced = replaced.join(schema.Candidate, schema.Candidate.id == trial.candidate)
    early: dict[tuple[int, Any, str], list[str]] = defaultdict(list)
    for number, candidate, domain, name in connection.execute(replaced.join(slot, slot.candidate == trial.candidate)):
        if (run, number) not in made:
            early[number, candidate, domain].append(name)
    for (number, candidate, domain), slots in early.items():
        made[run, number] = candidate
        of[candidate] = _of(slot_set(domain, slots))
        where = (row.run == run, row.number == number)
        runs[run, number] = list(connection.execute(select(row.__table__).where(*where)).mappings())
