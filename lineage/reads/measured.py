"""The measurements of a candidate beside those of the incumbent of its race, or of the baseline, by instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Integer, RowMapping, bindparam, func, select
from sqlalchemy.orm import aliased

from slotforge.core import types as core
from slotforge.core.types import Record
from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.lookup import find
from slotforge.lineage.prepared import prepared
from slotforge.lineage.reads.listing import cut
from slotforge.lineage.store import SqlStore

BOTH = ("cost", "outcome", "cpu_s")
OWN = ("instance", "family", "seed", *BOTH, "answer", "evidence", "reason", "sandbox_level", "build")


class Split(StrEnum):
    """Where instances are from: those that the search scores on, those that it chooses on, and those of verdicts."""

    SEARCH = "search"
    SELECT = "select"
    UNSEEN = "unseen"


class Against(StrEnum):
    """What a candidate is shown against: the incumbent that its trial was raced against, or the baseline."""

    INCUMBENT = "incumbent"
    BASELINE = "baseline"


class Rival(Record):
    """What a candidate is shown against. number: of its trial; None for the other side of a verdict."""

    candidate: str
    number: int | None


class MeasuredLine(Record):
    """A run of a candidate on an instance, and that of its rival beside it; see `core.types.Measurement`.

    name: of the instance, where the run knows it.
    rival_cost, rival_outcome, rival_cpu_s: of the rival; None where it was not measured.
    ratio: of what both count as; None without a rival.
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
    rival_cost: float | None
    rival_outcome: core.Outcome | None
    rival_cpu_s: float | None
    ratio: float | None


class Measured(Record):
    """A part of the measurements of a candidate.

    run, number: of the trial, for the splits of a search; of the verdict's run, if any, for unseen instances.
    against: number of the trial that this one was raced against; None where it was not raced, or that was not kept.
    rival: what stands beside it; None where nothing does.
    incumbent: of its race; None where it is not known, or where no measurements of it are kept for this split.
    total: how many there are in all.
    next: the position after which they go on.
    """

    split: Split
    run: str | None
    number: int | None
    against: int | None = None
    rival: Rival | None
    incumbent: Rival | None
    total: int
    items: tuple[MeasuredLine, ...]
    next: int | None


def measurements(
    store: SqlStore,
    ref: str,
    *,
    split: Split = Split.SEARCH,
    run: str | None = None,
    against: Against = Against.INCUMBENT,
    limit: int = 50,
    after: int | None = None,
) -> Measured:
    """List the measurements of the trial of a candidate that was measured most, or of its newest verdict.

    Args:
        ref: id of the candidate, or the beginning of it.
        run: only in this run; None is where it was measured most.
        against: what to put beside it; the baseline where nothing of the incumbent is known or kept.
        after: position of the last that is known.
    """
    with store.reading() as connection:
        _, id_ = find(connection, ref, "candidate")
        if split is Split.UNSEEN:
            return _unseen(connection, id_, run, limit, after)
        return _of_trial(connection, id_, split, run, against, limit, after)


def _of_trial(
    connection: Connection, id_: str, split: Split, run: str | None, against: Against, limit: int, after: int | None
) -> Measured:
    table: Any = schema.Measurement if split is Split.SEARCH else schema.Selection
    trial = schema.Trial
    of = select(trial.run, trial.number, trial.against).where(trial.candidate == id_)
    of = of if run is None else of.where(trial.run == run)
    if split is Split.SELECT:
        of = of.where(select(table.run).where(table.run == trial.run, table.number == trial.number).exists())
    most = connection.execute(of.order_by(trial.instances.desc(), trial.run, trial.number).limit(1)).one_or_none()
    if most is None:
        return _nothing(split, run)
    incumbent = rival(connection, most.run, most.against, table)
    chosen = incumbent if incumbent and against is Against.INCUMBENT else rival(connection, most.run, 0, table)
    own, other = aliased(table), aliased(table)
    beside = (other.run == own.run) & (other.number == (chosen.number if chosen else 0))
    beside &= (other.instance == own.instance) & (other.seed == own.seed)
    ours = (own.run == most.run) & (own.number == most.number)
    found, total = _beside(connection, own, other, beside, ours, limit, after)
    place = {"split": split, "run": most.run, "number": most.number, "against": most.against}
    place |= {"rival": chosen, "incumbent": incumbent}
    return _part(connection, place, found, total, limit)


def rival(connection: Connection, run: str, number: int | None, table: Any = None) -> Rival | None:
    """Return what a trial was raced against; None where it is not known, or has nothing in a table."""
    if number is None:
        return None
    candidate = _rival(table).scalar(connection, run=run, number=number)
    return None if candidate is None else Rival(candidate=candidate, number=number)


@prepared
def _rival(table: Any) -> Executable:
    trial, run, number = schema.Trial, bindparam("run", type_=Exact()), bindparam("number", type_=Integer())
    query = select(trial.candidate).where(trial.run == run, trial.number == number, trial.candidate.is_not(None))
    return (
        query
        if table is None
        else query.where(select(table.run).where(table.run == run, table.number == number).exists())
    )


def _unseen(connection: Connection, id_: str, run: str | None, limit: int, after: int | None) -> Measured:
    verdict, table = schema.Verdict, schema.VerdictMeasurement
    reference = select(schema.Candidate.domain).where(schema.Candidate.id == id_)
    baseline = core.Candidate(domain=connection.scalars(reference).one()).id
    held = select(verdict.id, verdict.run).where(verdict.candidate == id_, verdict.against == baseline)
    held = held if run is None else held.where(verdict.run == run)
    newest = connection.execute(held.order_by(verdict.id.desc()).limit(1)).one_or_none()
    if newest is None:
        return _nothing(Split.UNSEEN, run)
    own, other = aliased(table), aliased(table)
    first = own.position - own.position % 2
    beside = (other.verdict == own.verdict) & other.position.in_((first, first + 1)) & (other.position != own.position)
    ours = (own.verdict == newest.id) & (own.side == "candidate")
    found, total = _beside(connection, own, other, beside, ours, limit, after)
    chosen = Rival(candidate=baseline, number=None)
    place = {"split": Split.UNSEEN, "run": newest.run, "number": None, "rival": chosen, "incumbent": None}
    return _part(connection, place, found, total, limit)


def _nothing(split: Split, run: str | None) -> Measured:
    return Measured(split=split, run=run, number=None, rival=None, incumbent=None, total=0, items=(), next=None)


def _beside(
    connection: Connection,
    own: Any,
    other: Any,
    beside: ColumnElement[bool],
    ours: ColumnElement[bool],
    limit: int,
    after: int | None,
) -> tuple[Sequence[RowMapping], int]:
    """Read up to one measurement more than the limit, each with the one that stands beside it, and count all."""
    query = select(*_columns(own, OWN), own.position, *_columns(other, BOTH, "rival_")).outerjoin(other, beside)
    part = query.where(ours, own.position > (-1 if after is None else after)).order_by(own.position).limit(limit + 1)
    total = connection.scalar(select(func.count()).select_from(own).where(ours)) or 0
    return connection.execute(part).mappings().all(), total


def _part(
    connection: Connection, place: Mapping[str, Any], found: Sequence[RowMapping], total: int, limit: int
) -> Measured:
    """Make a part of what was read. place: the fields that say of what it is."""
    shown, last = cut(found, limit, lambda row: (row["position"],))
    run = place["run"]
    called = names(connection, (run,) if run else (), {row["instance"] for row in shown})
    items = tuple(
        MeasuredLine(**row, name=called.get(row["instance"], row["instance"]), ratio=_ratio(row)) for row in shown
    )
    return Measured(**place, total=total, items=items, next=items[-1].position if last else None)


def _columns(table: Any, names: Sequence[str], prefix: str = "") -> list[Any]:
    return [getattr(table, name).label(prefix + name) for name in names]


def names(connection: Connection, runs: Sequence[str], instances: set[str]) -> Mapping[str, str]:
    """Return what runs call instances, by id."""
    place, instance = schema.Suite, schema.Instance
    query = select(instance.id, instance.name).join(place, place.instance == instance.key)
    wanted = query.where(place.run.in_(runs), instance.id.in_(instances)).order_by(place.run.desc())
    return dict(iter(connection.execute(wanted))) if runs else {}


def _ratio(row: RowMapping) -> float | None:
    if row["rival_cost"] is None or row["rival_cost"] <= 0:
        return None
    return core.charge(row["cost"], row["outcome"]) / core.charge(row["rival_cost"], row["rival_outcome"])
