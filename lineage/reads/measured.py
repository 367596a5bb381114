"""The measurements of a candidate beside those of the baseline, instance by instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select
from sqlalchemy.orm import aliased

from slotforge.core import types as core
from slotforge.core.types import Record
from slotforge.lineage import schema
from slotforge.lineage.lookup import find
from slotforge.lineage.reads.listing import cut
from slotforge.lineage.store import SqlStore

BASE = ("cost", "outcome", "cpu_s")
OWN = ("instance", "family", "seed", *BASE, "answer", "evidence", "reason", "sandbox_level", "build")


class Split(StrEnum):
    """Where instances are from: those that the search scores on, those that it chooses on, and those of verdicts."""

    SEARCH = "search"
    SELECT = "select"
    UNSEEN = "unseen"


class MeasuredLine(Record):
    """A run of a candidate on an instance, and the baseline's beside it; see `core.types.Measurement`.

    name: of the instance, where the run knows it.
    base_cost, base_outcome, base_cpu_s: of the baseline; None where it was not measured.
    ratio: of what both count as; None without a baseline.
    """

    position: int
    instance: str
    name: str
    family: str
    seed: int
    outcome: core.Outcome
    cost: float
    cpu_s: float
    answer: str
    evidence: str
    reason: str
    sandbox_level: int
    build: str
    base_cost: float | None
    base_outcome: core.Outcome | None
    base_cpu_s: float | None
    ratio: float | None


class Measured(Record):
    """A part of the measurements of a candidate.

    run, number: of the trial, for the splits of a search; of the verdict's run, if any, for unseen instances.
    total: how many there are in all.
    next: the position after which they go on.
    """

    split: Split
    run: str | None
    number: int | None
    total: int
    items: tuple[MeasuredLine, ...]
    next: int | None


def measurements(
    store: SqlStore,
    ref: str,
    *,
    split: Split = Split.SEARCH,
    run: str | None = None,
    limit: int = 50,
    after: int | None = None,
) -> Measured:
    """List the measurements of the trial of a candidate that was measured most, or of its newest verdict.

    Args:
        ref: id of the candidate, or the beginning of it.
        run: only in this run; None is where it was measured most.
        after: position of the last that is known.
    """
    with store.reading() as connection:
        _, id_ = find(connection, ref, "candidate")
        if split is Split.UNSEEN:
            return _unseen(connection, id_, run, limit, after)
        return _of_trial(connection, id_, split, run, limit, after)


def _of_trial(
    connection: Connection, id_: str, split: Split, run: str | None, limit: int, after: int | None
) -> Measured:
    table: Any = schema.Measurement if split is Split.SEARCH else schema.Selection
    trial = schema.Trial
    of = select(trial.run, trial.number).where(trial.candidate == id_)
    of = of if run is None else of.where(trial.run == run)
    if split is Split.SELECT:
        of = of.where(select(table.run).where(table.run == trial.run, table.number == trial.number).exists())
    most = connection.execute(of.order_by(trial.instances.desc(), trial.run, trial.number).limit(1)).one_or_none()
    if most is None:
        return Measured(split=split, run=run, number=None, total=0, items=(), next=None)
    own, base = aliased(table), aliased(table)
    beside = (base.run == own.run) & (base.number == 0) & (base.instance == own.instance) & (base.seed == own.seed)
    ours = (own.run == most.run) & (own.number == most.number)
    found, total = _beside(connection, own, base, beside, ours, limit, after)
    return _part(connection, split, most.run, most.number, found, total, limit)


def _unseen(connection: Connection, id_: str, run: str | None, limit: int, after: int | None) -> Measured:
    verdict, table = schema.Verdict, schema.VerdictMeasurement
    reference = select(schema.Candidate.domain).where(schema.Candidate.id == id_)
    baseline = core.Candidate(domain=connection.scalars(reference).one()).id
    held = select(verdict.id, verdict.run).where(verdict.candidate == id_, verdict.against == baseline)
    held = held if run is None else held.where(verdict.run == run)
    newest = connection.execute(held.order_by(verdict.id.desc()).limit(1)).one_or_none()
    if newest is None:
        return Measured(split=Split.UNSEEN, run=run, number=None, total=0, items=(), next=None)
    own, base = aliased(table), aliased(table)
    first = own.position - own.position % 2
    beside = (base.verdict == own.verdict) & base.position.in_((first, first + 1)) & (base.position != own.position)
    ours = (own.verdict == newest.id) & (own.side == "candidate")
    found, total = _beside(connection, own, base, beside, ours, limit, after)
    return _part(connection, Split.UNSEEN, newest.run, None, found, total, limit)


def _beside(
    connection: Connection,
    own: Any,
    base: Any,
    beside: ColumnElement[bool],
    ours: ColumnElement[bool],
    limit: int,
    after: int | None,
) -> tuple[Sequence[RowMapping], int]:
    """Read up to one measurement more than the limit, each with the one that stands beside it, and count all."""
    query = select(*_columns(own, OWN), own.position, *_columns(base, BASE, "base_")).outerjoin(base, beside)
    part = query.where(ours, own.position > (-1 if after is None else after)).order_by(own.position).limit(limit + 1)
    total = connection.scalar(select(func.count()).select_from(own).where(ours)) or 0
    return connection.execute(part).mappings().all(), total


def _part(
    connection: Connection,
    split: Split,
    run: str | None,
    number: int | None,
    found: Sequence[RowMapping],
    total: int,
    limit: int,
) -> Measured:
    shown, last = cut(found, limit, lambda row: (row["position"],))
    called = names(connection, (run,) if run else (), {row["instance"] for row in shown})
    items = tuple(
        MeasuredLine(**row, name=called.get(row["instance"], row["instance"]), ratio=_ratio(row)) for row in shown
    )
    place = items[-1].position if last else None
    return Measured(split=split, run=run, number=number, total=total, items=items, next=place)


def _columns(table: Any, names: Sequence[str], prefix: str = "") -> list[Any]:
    return [getattr(table, name).label(prefix + name) for name in names]


def names(connection: Connection, runs: Sequence[str], instances: set[str]) -> Mapping[str, str]:
    """Return what runs call instances, by id."""
    place, instance = schema.Suite, schema.Instance
    query = select(instance.id, instance.name).join(place, place.instance == instance.key)
    wanted = query.where(place.run.in_(runs), instance.id.in_(instances)).order_by(place.run.desc())
    return dict(iter(connection.execute(wanted))) if runs else {}


def _ratio(row: RowMapping) -> float | None:
    if row["base_cost"] is None or row["base_cost"] <= 0:
        return None
    return core.charge(row["cost"], row["outcome"]) / core.charge(row["base_cost"], row["base_outcome"])
