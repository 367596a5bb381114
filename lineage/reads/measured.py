"""The measurements of a candidate beside those of the incumbent of its race, or of the baseline, by instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Integer, Select, bindparam, func, select
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
CANDIDATE, RUN = (bindparam(name, type_=Exact()) for name in ("candidate", "run"))
NUMBER, VERDICT = (bindparam(name, type_=Integer()) for name in ("number", "verdict"))


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
    within = {} if run is None else {"run": run}
    most = _most(table, run is not None).mappings(connection, candidate=id_, **within)
    if not most:
        return _nothing(split, run)
    (made,) = most
    incumbent = rival(connection, made["run"], made["against"], table)
    chosen = incumbent if incumbent and against is Against.INCUMBENT else rival(connection, made["run"], 0, table)
    of = {"run": made["run"], "number": made["number"]}
    total = _tried_in_all(table).scalar(connection, **of)
    of["rival"] = chosen.number if chosen else 0
    found = _tried(table).mappings(connection, **of, **_stretch(limit, after))
    place = {"split": split, **made, "rival": chosen, "incumbent": incumbent}
    return _part(connection, place, found, total, limit)


@prepared
def _most(table: Any, in_run: bool) -> Executable:
    """Write the query for the trial of a candidate that was measured most."""
    trial = schema.Trial
    query = select(trial.run, trial.number, trial.against).where(trial.candidate == CANDIDATE)
    query = query.where(trial.run == RUN) if in_run else query
    if table is schema.Selection:
        query = query.where(select(table.run).where(table.run == trial.run, table.number == trial.number).exists())
    return query.order_by(trial.instances.desc(), trial.run, trial.number).limit(1)


@prepared
def _tried(table: Any) -> Executable:
    own, other = aliased(table), aliased(table)
    beside = (other.run == own.run) & (other.number == bindparam("rival", type_=Integer()))
    beside &= (other.instance == own.instance) & (other.seed == own.seed)
    return _beside(own, other, beside).where(own.run == RUN, own.number == NUMBER)


@prepared
def _tried_in_all(table: Any) -> Executable:
    return select(func.count()).where(table.run == RUN, table.number == NUMBER)


def rival(connection: Connection, run: str, number: int | None, table: Any = None) -> Rival | None:
    """Return what a trial was raced against; None where it is not known, or has nothing in a table."""
    if number is None:
        return None
    candidate = _rival(table).scalar(connection, run=run, number=number)
    return None if candidate is None else Rival(candidate=candidate, number=number)


@prepared
def _rival(table: Any) -> Executable:
    trial = schema.Trial
    query = select(trial.candidate).where(trial.run == RUN, trial.number == NUMBER, trial.candidate.is_not(None))
    return (
        query
        if table is None
        else query.where(select(table.run).where(table.run == RUN, table.number == NUMBER).exists())
    )


def _unseen(connection: Connection, id_: str, run: str | None, limit: int, after: int | None) -> Measured:
    domain = _domain().scalar(connection, candidate=id_)
    baseline = core.Candidate(domain=domain).id
    within = {} if run is None else {"run": run}
    newest = _newest(run is not None).rows(connection, candidate=id_, baseline=baseline, **within)
    if not newest:
        return _nothing(Split.UNSEEN, run)
    ((verdict, judged),) = newest
    total = _judged_in_all().scalar(connection, verdict=verdict)
    found = _judged().mappings(connection, verdict=verdict, **_stretch(limit, after))
    chosen = Rival(candidate=baseline, number=None)
    place = {"split": Split.UNSEEN, "run": judged, "number": None, "rival": chosen, "incumbent": None}
    return _part(connection, place, found, total, limit)


@prepared
def _domain() -> Executable:
    return select(schema.Candidate.domain).where(schema.Candidate.id == CANDIDATE)


@prepared
def _newest(in_run: bool) -> Executable:
    """Write the query for the newest verdict on a candidate against its baseline."""
    verdict = schema.Verdict
    query = select(verdict.id, verdict.run).where(verdict.candidate == CANDIDATE)
    query = query.where(verdict.against == bindparam("baseline", type_=Exact()))
    query = query.where(verdict.run == RUN) if in_run else query
    return query.order_by(verdict.id.desc()).limit(1)


@prepared
def _judged() -> Executable:
    own, other = aliased(schema.VerdictMeasurement), aliased(schema.VerdictMeasurement)
    first = own.position - own.position % 2
    beside = (other.verdict == own.verdict) & other.position.in_((first, first + 1)) & (other.position != own.position)
    return _beside(own, other, beside).where(own.verdict == VERDICT, own.side == "candidate")


@prepared
def _judged_in_all() -> Executable:
    row = schema.VerdictMeasurement
    return select(func.count()).where(row.verdict == VERDICT, row.side == "candidate")


def _nothing(split: Split, run: str | None) -> Measured:
    return Measured(split=split, run=run, number=None, rival=None, incumbent=None, total=0, items=(), next=None)


def _beside(own: Any, other: Any, beside: ColumnElement[bool]) -> Select[Any]:
    """Ask for a stretch of measurements, each with the one that stands beside it."""
    query = select(*_columns(own, OWN), own.position, *_columns(other, BOTH, "rival_")).outerjoin(other, beside)
    query = query.where(own.position > bindparam("after", type_=Integer())).order_by(own.position)
    return query.limit(bindparam("most", type_=Integer()))


def _stretch(limit: int, after: int | None) -> Mapping[str, int]:
    """Ask for one more than the limit, which says that there are more."""
    return {"after": -1 if after is None else after, "most": limit + 1}


def _part(
    connection: Connection, place: Mapping[str, Any], found: Sequence[Mapping[str, Any]], total: int, limit: int
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
    return dict(_names().rows(connection, runs=list(runs), instances=sorted(instances))) if runs else {}


@prepared
def _names() -> Executable:
    place, instance = schema.Suite, schema.Instance
    runs, instances = (bindparam(name, type_=Exact(), expanding=True) for name in ("runs", "instances"))
    query = select(instance.id, instance.name).join(place, place.instance == instance.key)
    return query.where(place.run.in_(runs), instance.id.in_(instances)).order_by(place.run.desc())


def _ratio(row: Mapping[str, Any]) -> float | None:
    if row["rival_cost"] is None or row["rival_cost"] <= 0:
        return None
    return core.charge(row["cost"], row["outcome"]) / core.charge(row["rival_cost"], row["rival_outcome"])
