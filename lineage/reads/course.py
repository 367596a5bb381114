"""The course of a run: its best ratio so far, what became of its trials, why they failed, and its log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import WithJsonSchema
from sqlalchemy import BigInteger, ColumnElement, Executable, bindparam, cast, func, select

from slotforge.core.types import Event, Record, TrialState
from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.prepared import prepared
from slotforge.lineage.reads.listing import Listing, cut
from slotforge.lineage.records import moment
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summaries import SCORED
from slotforge.lineage.summary_schema import Step, Tally

FAILURES = (TrialState.REJECTED, TrialState.FAILED, TrialState.TIMEOUT, TrialState.WRONG)
_PAIR = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
Point = Annotated[tuple[int, float], WithJsonSchema(_PAIR)]
"""Number and ratio of a trial; described without `prefixItems`, which many readers of schemas do not know."""
OF, RUNS = bindparam("of", type_=Exact()), bindparam("runs", type_=Exact(), expanding=True)
WHOLE, SPREAD = 1 << 16, 40503  # multiples of the golden section of a whole fall evenly into it
Failures = Mapping[str, Mapping[str, int]]


class Curve(Record):
    """The best ratio so far over the trials.

    last: number of the last trial.
    steps: numbers and ratios of the trials that were the best when they were made.
    """

    last: int
    steps: tuple[Point, ...]


class LogLine(Event):
    """Something that happened to a run, as a line of its log. id: grows from line to line."""

    id: int


def curve(store: SqlStore, run: str) -> Curve:
    """Return the curve of a run, without its controls."""
    return curves(store, (run,)).get(run, Curve(last=0, steps=()))


def curves(store: SqlStore, runs: Collection[str]) -> Mapping[str, Curve]:
    """Return the curves of several runs; one without trials has none."""
    steps: dict[str, list[Point]] = defaultdict(list)
    with store.reading() as connection:
        last: dict[str, int] = dict(_ends().rows(connection, runs=list(runs)))
        for run, number, ratio in _steps().rows(connection, runs=list(runs)):
            steps[run].append((number, ratio))
    return {run: Curve(last=number, steps=tuple(steps[run])) for run, number in last.items()}


@prepared
def _steps() -> Executable:
    return select(Step.run, Step.number, Step.ratio).where(Step.run.in_(RUNS)).order_by(Step.run, Step.number)


@prepared
def _ends() -> Executable:
    """Write the query for the last numbers of the trials of some runs."""
    run, trial = schema.Run, schema.Trial
    last = select(func.max(trial.number)).where(trial.run == run.id, trial.number >= 0).scalar_subquery()
    of = select(run.id, last.label("last")).where(run.id.in_(RUNS)).subquery()
    return select(of).where(of.c.last.is_not(None))


def tried(store: SqlStore, run: str) -> Mapping[str, int]:
    """Count the proposals of a run by state, without baseline and controls."""
    trial = schema.Trial
    others = select(trial.state).where(trial.run == run, trial.number <= 0)
    with store.reading() as connection:
        counts = Counter(dict(iter(connection.execute(select(Tally.state, Tally.trials).where(Tally.run == run)))))
        counts.subtract(connection.scalars(others))
    return {state: count for state, count in sorted(counts.items()) if count > 0}


def scored(store: SqlStore, run: str, *, about: int | None = None) -> tuple[Point, ...]:
    """Return number and ratio of the trials that were measured in full, without the controls.

    Args:
        about: so many of them, evenly spread, where there are more; which ones stay as they are while more come, but
            for those that make room. None is all.
    """
    trial = schema.Trial
    query = select(trial.number, trial.ratio).where(_scored(), trial.run == run).order_by(trial.number)
    tally = select(func.sum(Tally.trials)).where(Tally.run == run, Tally.state.in_(SCORED))
    with store.reading() as connection:
        there = int(connection.scalar(tally) or 0) if about else 0
        if about and there > about:
            query = query.where(cast(trial.number, BigInteger) * SPREAD % WHOLE < WHOLE * about // there)
        return tuple((number, ratio) for number, ratio in connection.execute(query) if ratio is not None)


def leader(store: SqlStore, run: str) -> tuple[str, float] | None:
    """Return the candidate of the best proposal of a run so far, and its ratio."""
    with store.reading() as connection:
        best = _leader().rows(connection, of=run)
    candidate, ratio = best[0] if best else (None, None)
    return None if candidate is None or ratio is None else (candidate, ratio)


@prepared
def _leader() -> Executable:
    trial = schema.Trial
    query = select(trial.candidate, trial.ratio).where(_scored(), trial.run == OF, trial.number > 0)
    return query.order_by(trial.ratio, trial.number).limit(1)


def _scored() -> ColumnElement[bool]:
    trial = schema.Trial
    return (trial.number >= 0) & trial.state.in_(SCORED) & trial.ratio.is_not(None)


def failures(store: SqlStore, run: str, *, most: int | None = None) -> Failures:
    """Count the reasons of each class of failures among the proposals of a run, the most frequent first.

    Args:
        most: reasons of each class to tell; None is all.
    """
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with store.reading() as connection:
        for state, reason, count in _failures().rows(connection, of=run):
            if most is None or len(found[state]) < most:
                found[state][reason] = count
    return dict(sorted(found.items()))


@prepared
def _failures() -> Executable:
    trial = schema.Trial
    return (
        select(trial.state, trial.reason, func.count())
        .where(trial.run == OF, trial.number > 0, trial.state.in_(FAILURES))
        .group_by(trial.state, trial.reason)
        .order_by(trial.state, func.count().desc(), func.min(trial.number))
    )


def log(store: SqlStore, run: str, *, limit: int = 50, after: int | None = None) -> Listing[LogLine]:
    """List what happened to a run, the newest first; `after` is the id of the last line that is known."""
    event = schema.Event
    query = select(event.__table__).where(event.run == run).order_by(event.id.desc()).limit(limit + 1)
    with store.reading() as connection:
        found = connection.execute(query if after is None else query.where(event.id < after)).mappings().all()
    rows, last = cut(found, limit, lambda row: (row["id"],))
    return Listing(items=tuple(log_line(**row) for row in rows), next=last)


def log_line(*, id: int, kind: str, facts: Mapping[str, object], at: float, **_: object) -> LogLine:
    """Read a row of `schema.Event`."""
    return LogLine(id=id, kind=kind, facts=facts, at=moment(at))
