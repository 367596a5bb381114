"""What changes whenever what is shown of a run or a candidate does, looked up for many of them at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Any

from sqlalchemy import Executable, bindparam, func, select

from slotforge.core.types import TrialState
from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.lookup import Kind
from slotforge.lineage.prepared import Prepared, prepared
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import Maker, RunTotal, Tally

AT_ONCE = 400  # ids of one query
AT_WORK = "running"
IDS = bindparam("ids", type_=Exact(), expanding=True)
Subject = tuple[Kind, str]  # and its whole id


def marks(store: SqlStore, subjects: Collection[Subject]) -> Mapping[Subject, Hashable]:
    """Return the marks of runs and candidates, in one snapshot; while a mark is the same, so is what it is of.

    A run has none while it goes on, nor has what is not there.
    """
    found: dict[Subject, Hashable] = {}
    with store.reading() as connection:
        for kind, query in QUERIES.items():
            ids = sorted(id_ for of, id_ in subjects if of == kind)
            for start in range(0, len(ids), AT_ONCE):
                found |= _found(kind, query().rows(connection, ids=ids[start : start + AT_ONCE]))
    return found


def _found(kind: Kind, rows: Iterable[Any]) -> dict[Subject, Hashable]:
    return {(kind, id_): tuple(rest) for id_, *rest in rows if rest[0] != AT_WORK}


@prepared
def _run() -> Executable:
    """Ask for what an ended run shows: its end, its log, its verdicts, its trials, what it cost, its job.

    A verdict of another run may take back that its trials are confirmed.
    """
    run, event, verdict, session = schema.Run, schema.Event, schema.Verdict, schema.Session
    job = (Job.state, Job.changed, Job.wish, Job.attempts, Job.holder)
    columns: list[Any] = [
        run.id,
        *(run.state, run.ended),
        *(RunTotal.trials, RunTotal.calls, RunTotal.cpu_s),
        select(Tally.trials).where(Tally.run == run.id, Tally.state == TrialState.CONFIRMED).scalar_subquery(),
        *(column.label(f"job_{column.key}") for column in job),
        select(func.max(event.id)).where(event.run == run.id).scalar_subquery(),
        select(func.max(verdict.id)).where(verdict.run == run.id).scalar_subquery(),
        select(func.sum(session.seconds)).where(session.run == run.id).scalar_subquery(),
    ]
    query = select(*columns).outerjoin(RunTotal, RunTotal.run == run.id).outerjoin(Job, Job.id == run.id)
    return query.where(run.id.in_(IDS))


@prepared
def _candidate() -> Executable:
    """Ask for what a candidate shows besides its sources: its trials, the one that made it, verdicts, exports."""
    own, trial, verdict, artefact = schema.Candidate, schema.Trial, schema.Verdict, schema.Artefact
    query = select(
        own.id,
        select(func.count()).where(trial.candidate == own.id).scalar_subquery(),
        Maker.rank,
        Maker.run,
        Maker.number,
        select(func.max(verdict.id)).where(verdict.candidate == own.id).scalar_subquery(),
        select(func.max(artefact.id)).where(artefact.candidate == own.id).scalar_subquery(),
    ).outerjoin(Maker, Maker.candidate == own.id)
    return query.where(own.id.in_(IDS))


QUERIES: Mapping[Kind, Callable[[], Prepared]] = {"run": _run, "candidate": _candidate}
