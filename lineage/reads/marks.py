"""What changes whenever what is shown of a run or a candidate does, looked up for many of them at once."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.lookup import Kind
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import Maker, RunTotal

AT_ONCE = 400  # ids of one query
AT_WORK = "running"
Subject = tuple[Kind, str]  # and its whole id


def marks(store: SqlStore, subjects: Collection[Subject]) -> Mapping[Subject, Hashable]:
    """Return the marks of runs and candidates, in one snapshot; while a mark is the same, so is what it is of.

    A run has none while it goes on, nor has what is not there.
    """
    found: dict[Subject, Hashable] = {}
    with store.reading() as connection:
        for kind, query in _queries().items():
            ids = sorted(id_ for of, id_ in subjects if of == kind)
            for start in range(0, len(ids), AT_ONCE):
                found |= _found(connection, kind, query, ids[start : start + AT_ONCE])
    return found


def _found(connection: Connection, kind: Kind, query: Select[Any], ids: list[str]) -> dict[Subject, Hashable]:
    rows = connection.execute(query, {"ids": ids})
    return {(kind, id_): tuple(rest) for id_, *rest in rows if rest[0] != AT_WORK}


@cache
def _queries() -> Mapping[Kind, Select[Any]]:
    ids = bindparam("ids", type_=Exact(), expanding=True)
    return {
        "run": _run().where(schema.Run.id.in_(ids)),
        "candidate": _candidate().where(schema.Candidate.id.in_(ids)),
    }


def _run() -> Select[Any]:
    """Ask for what an ended run shows: its end, its log, its verdicts, its trials, what it cost, its job."""
    run, event, verdict, session = schema.Run, schema.Event, schema.Verdict, schema.Session
    job = (Job.state, Job.changed, Job.wish, Job.attempts, Job.holder)
    columns: list[Any] = [
        run.id,
        *(run.state, run.ended),
        *(RunTotal.trials, RunTotal.calls, RunTotal.cpu_s),
        *(column.label(f"job_{column.key}") for column in job),
        select(func.max(event.id)).where(event.run == run.id).scalar_subquery(),
        select(func.max(verdict.id)).where(verdict.run == run.id).scalar_subquery(),
        select(func.sum(session.seconds)).where(session.run == run.id).scalar_subquery(),
    ]
    return select(*columns).outerjoin(RunTotal, RunTotal.run == run.id).outerjoin(Job, Job.id == run.id)


def _candidate() -> Select[Any]:
    """Ask for what a candidate shows besides its sources: its trials, the one that made it, verdicts, exports."""
    own, trial, verdict, artefact = schema.Candidate, schema.Trial, schema.Verdict, schema.Artefact
    return select(
        own.id,
        select(func.count()).where(trial.candidate == own.id).scalar_subquery(),
        Maker.rank,
        Maker.run,
        Maker.number,
        select(func.max(verdict.id)).where(verdict.candidate == own.id).scalar_subquery(),
        select(func.max(artefact.id)).where(artefact.candidate == own.id).scalar_subquery(),
    ).outerjoin(Maker, Maker.candidate == own.id)
