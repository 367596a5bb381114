"""The best that is known in a domain, across runs: what was confirmed first, then by ratio."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Connection, Select, select
from sqlalchemy.orm import aliased

from slotforge.core import types as core
from slotforge.lineage import rows, schema
from slotforge.lineage.queries import SCORED
from slotforge.lineage.records import Best
from slotforge.lineage.store import SqlStore

Columns = TypeVarTuple("Columns")
Found = dict[str, dict[str, Any]]  # candidate -> the fields of its `Best` but for slots


def best(
    store: SqlStore,
    domain: str,
    *,
    slot: str | None = None,
    family: str | None = None,
    limit: int = 10,
    after: str | None = None,
) -> tuple[Best, ...]:
    """List the best candidates of a domain against its baseline.

    A candidate stands with its newest verdict against the baseline, or, if there is none, with its best ratio in a
    search.

    Args:
        slot: only candidates that replace this slot.
        family: judge by this family alone.
        limit: how many at most.
        after: the id of the candidate that stands before the first to list.
    """
    with store.reading() as connection:
        found = _searched_family(connection, domain, slot, family) if family else _searched(connection, domain, slot)
        found |= _confirmed(connection, domain, slot, family)
        order = sorted(found.items(), key=lambda item: (not item[1]["confirmed"], item[1]["ratio"], item[0]))
        first = 1 + next((place for place, (id_, _) in enumerate(order) if id_ == after), -1)
        order = order[first : first + limit]
        made = rows.candidates(connection, (id_ for id_, _ in order))
    return tuple(
        Best(candidate=id_, domain=domain, slots=made[id_].slots, family=family, **fields) for id_, fields in order
    )


def _confirmed(connection: Connection, domain: str, slot: str | None, family: str | None) -> Found:
    verdict, part = schema.Verdict, schema.VerdictFamily
    query = (
        select(verdict.candidate, verdict.run, part.ratio, part.low, part.high, part.outcome)
        .join(part, part.verdict == verdict.id)
        .join(schema.Candidate, schema.Candidate.id == verdict.candidate)
        .where(verdict.against == core.Candidate(domain=domain).id, _of_family(family))
        .order_by(verdict.id)
    )
    return {
        candidate: {"run": run, "ratio": ratio, "low": low, "high": high, "confirmed": outcome == "better"}
        for candidate, run, ratio, low, high, outcome in connection.execute(_of(query, domain, slot))
    }


def _of_family(family: str | None) -> ColumnElement[bool]:
    """Choose the figures of a family: a verdict on one alone has those over all, and no others."""
    part, run = schema.VerdictFamily, schema.VerdictMeasurement
    if family is None:
        return part.family.is_(None)
    runs = select(run.verdict).where(run.verdict == part.verdict)
    alone = runs.where(run.family == family).exists() & ~runs.where(run.family != family).exists()
    return (part.family == family) | (part.family.is_(None) & alone)


def _searched(connection: Connection, domain: str, slot: str | None) -> Found:
    trial = schema.Trial
    query = (
        select(trial.candidate, trial.run, trial.ratio)
        .join(schema.Candidate, schema.Candidate.id == trial.candidate)
        .where(trial.state.in_(SCORED), trial.ratio.is_not(None))
    )
    return _least(connection.execute(_of(query, domain, slot)))


def _searched_family(connection: Connection, domain: str, slot: str | None, family: str) -> Found:
    """Take the geometric mean of what runs on one family count as over those of the run's baseline, trial 0."""
    trial, own, base = schema.Trial, schema.Measurement, aliased(schema.Measurement)
    query = (
        select(trial.candidate, trial.run, trial.number, own.cost, own.outcome, base.cost, base.outcome)
        .join(schema.Candidate, schema.Candidate.id == trial.candidate)
        .join(own, (own.run == trial.run) & (own.number == trial.number) & (own.family == family))
        .join(
            base,
            (base.run == own.run) & (base.number == 0) & (base.instance == own.instance) & (base.seed == own.seed),
        )
        .where(trial.state.in_(SCORED), own.cost > 0, base.cost > 0)
    )
    logs: dict[tuple[str | None, str, int], list[float]] = defaultdict(list)
    for candidate, run, number, cost, outcome, other, baseline in connection.execute(_of(query, domain, slot)):
        ratio = core.charge(cost, outcome) / core.charge(other, baseline)
        logs[candidate, run, number].append(core.clipped_log(ratio))
    return _least((candidate, run, math.exp(math.fsum(of) / len(of))) for (candidate, run, _), of in logs.items())


def _of(query: Select[*Columns], domain: str, slot: str | None) -> Select[*Columns]:
    """Keep candidates of a domain that replace a slot; the baseline replaces none."""
    candidate, replaced = schema.Candidate, schema.CandidateSlot
    slots = select(replaced.slot).where(replaced.candidate == candidate.id)
    return query.where(candidate.domain == domain, (slots.where(replaced.slot == slot) if slot else slots).exists())


def _least(found: Iterable[tuple[str | None, str, float | None]]) -> Found:
    least: Found = {}
    for candidate, run, ratio in found:
        if candidate is None or ratio is None:
            continue
        if candidate not in least or ratio < least[candidate]["ratio"]:
            least[candidate] = {"run": run, "ratio": ratio, "low": None, "high": None, "confirmed": False}
    return least
