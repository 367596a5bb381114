"""The list of runs: those that were begun, by whomever, and searches that wait in the queue."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Text, bindparam, func, or_, select, type_coerce

from slotforge.core.types import Record, RunConfig, Suite
from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.lookup import find
from slotforge.lineage.reads.listing import Listing, cut
from slotforge.lineage.records import RunRecord, RunSummary, moment
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summaries import SCORED
from slotforge.lineage.summary_schema import RunTotal

SEARCH = "search"
AT_WORK = "running"
RunKey = tuple[float, str]


class RunState(StrEnum):
    """How a run stands. A search of the queue stands as its job does."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class RunLine(RunSummary):
    """A run in the list. trials and ratio are those of its search, the baseline's ratio among them.

    started: or since when it waits.
    verdict: on its winner; None before there is one, and where nothing was measured for it.
    owner: who asked for it; None where it was started from a command line.
    """

    verdict: str | None = None
    owner: str | None = None


def runs(
    store: SqlStore,
    *,
    states: Collection[RunState] = (),
    domain: str | None = None,
    owner: str | None = None,
    text: str = "",
    limit: int = 50,
    after: RunKey | None = None,
) -> Listing[RunLine]:
    """List runs, the newest first.

    Args:
        states: only of these; none is all.
        owner: only what this one asked for.
        text: that stands somewhere in the id or in the settings, whatever its case.
        after: start (in seconds since 1970) and id of the last run that is known.
    """
    with store.reading() as connection:
        part = _Part(text=text, domain=domain, owner=owner, limit=limit, after=after)
        found = part.begun(connection, _run_states(store, connection, states) if states else None)
        found += part.waiting(connection, states)
        newest = sorted(found, key=lambda row: (-row["started"], row["id"]))
        rows, last = cut(newest, limit, lambda row: (row["started"], row["id"]))
        return Listing(items=tuple(_line(store, row) for row in rows), next=last)


def run_id(store: SqlStore, ref: str) -> str:
    """Complete the beginning of a run's id; a search that waits in the queue is a run as well.

    Raises:
        UnknownId: it fits none, or several.
    """
    with store.reading() as connection:
        whole = connection.scalar(_search(), {"of": ref.strip().lower()})
        return whole or find(connection, ref, "run")[1]


class Asked(Record):
    """A search that was asked for. waits: its run is not opened yet."""

    state: str
    config: RunConfig
    created: datetime
    waits: bool

    def record(self, id_: str) -> RunRecord:
        """Return what is known of the run while it is not opened."""
        return RunRecord(
            id=id_,
            config=self.config,
            suite=Suite(search=(), select=(), holdout=()),
            environment={},
            state=self.state,
            report=None,
            started=self.created,
            ended=None,
        )


def asked(store: SqlStore, id_: str) -> Asked | None:
    """Return the search whose run has this id, if it was asked for through the queue."""
    with store.reading() as connection:
        found = connection.execute(_asked(), {"of": id_}).one_or_none()
    if found is None:
        return None
    state, config, created, waits = found
    return Asked(state=state, config=RunConfig.model_validate(config), created=moment(created), waits=waits)


@cache
def _search() -> Select[Any]:
    return select(Job.id).where(_own_job(bindparam("of", type_=Exact())))


@cache
def _asked() -> Select[Any]:
    opened = select(schema.Run.id).where(schema.Run.id == Job.id).exists()
    return select(Job.state, Job.config, Job.created, ~opened).where(_own_job(bindparam("of", type_=Exact())))


def wished(store: SqlStore, id_: str) -> str:
    """Return what the owner of a run wishes for it, "pause" or "cancel"; empty where that is nothing."""
    with store.reading() as connection:
        return connection.scalar(select(Job.wish).where(_own_job(id_))) or ""


class _Part:
    """What part of the list is asked for."""

    def __init__(self, *, text: str, domain: str | None, owner: str | None, limit: int, after: RunKey | None) -> None:
        self.text, self.domain, self.owner, self.limit, self.after = text.strip(), domain, owner, limit, after

    def begun(self, connection: Connection, states: ColumnElement[bool] | None) -> list[RowMapping]:
        run = schema.Run
        columns = (run.id, run.domain, run.config, run.state, run.driver, run.report, run.started, run.ended)
        query = select(*columns, RunTotal.trials, RunTotal.ratio, _baseline(), Job.state.label("job"), Job.owner)
        query = query.outerjoin(RunTotal, RunTotal.run == run.id).outerjoin(Job, _own_job(run.id))
        query = query if states is None else query.where(states)
        query = query if self.domain is None else query.where(run.domain == self.domain)
        return self._read(connection, query, run.id, run.config, run.started)

    def waiting(self, connection: Connection, states: Collection[RunState]) -> list[RowMapping]:
        columns = (Job.id, Job.config, Job.state.label("job"), Job.owner, Job.created.label("started"))
        opened = select(schema.Run.id).where(schema.Run.id == Job.id).exists()
        query = select(*columns).where(Job.kind == SEARCH, ~opened)
        query = query.where(Job.state.in_(sorted(states))) if states else query
        query = query if self.domain is None else query.where(_holds(Job.config, f'"domain":{json.dumps(self.domain)}'))
        return self._read(connection, query, Job.id, Job.config, Job.created)

    def _read(
        self,
        connection: Connection,
        query: Select[Any],
        id_: ColumnElement[str] | Any,
        config: Any,
        started: Any,
    ) -> list[RowMapping]:
        if self.owner is not None:
            query = query.where(Job.owner == self.owner)
        if self.text:
            query = query.where(
                or_(id_.startswith(self.text.lower(), autoescape=True), _holds(config, json.dumps(self.text)[1:-1]))
            )
        if self.after is not None:
            when, last = self.after
            query = query.where((started < when) | ((started == when) & (id_ > last)))
        return list(connection.execute(query.order_by(started.desc(), id_).limit(self.limit + 1)).mappings())


def _baseline() -> ColumnElement[float | None]:
    """Return the ratio of a run's baseline, which its search begins with."""
    trial = schema.Trial
    own = select(trial.ratio).where(trial.run == schema.Run.id, trial.number == 0, trial.state.in_(SCORED))
    return own.correlate(schema.Run).scalar_subquery().label("baseline")


def _own_job(run: Any) -> ColumnElement[bool]:
    own: ColumnElement[bool] = (Job.id == run) & (Job.kind == SEARCH)
    return own


def _holds(column: Any, text: str) -> ColumnElement[bool]:
    """Whether a column of JSON holds a text, as JSON writes it."""
    lowered: ColumnElement[str] = func.lower(type_coerce(column, Text), type_=Text())
    holds: ColumnElement[bool] = lowered.contains(text.lower(), autoescape=True)
    return holds


def _run_states(store: SqlStore, connection: Connection, states: Collection[RunState]) -> ColumnElement[bool]:
    """Choose runs by state: one that nobody drives any more, and that has no job, is interrupted."""
    run = schema.Run
    query = select(run.id, run.driver).outerjoin(Job, _own_job(run.id)).where(Job.id.is_(None), run.state == AT_WORK)
    drivers = connection.execute(query).all()
    alive = [id_ for id_, driver in drivers if store.state_of(AT_WORK, driver) == AT_WORK]
    names = sorted(states)
    own: ColumnElement[bool] = run.state.in_([name for name in names if name != AT_WORK])
    if RunState.RUNNING in states:
        own |= run.id.in_(alive)
    if RunState.INTERRUPTED in states:
        own |= (run.state == AT_WORK) & run.id.not_in(alive)
    return Job.state.in_(names) | (Job.id.is_(None) & own)


def _report(row: RowMapping) -> dict[str, Any]:
    """Return the report of a run, unless it goes on after it."""
    return (row["report"] or {}) if "report" in row and row["state"] != AT_WORK else {}


def _line(store: SqlStore, row: RowMapping) -> RunLine:
    holdout, config = _report(row).get("holdout") or {}, row["config"]
    begun = "driver" in row
    ended = row["ended"] if begun else None
    return RunLine(
        id=row["id"],
        domain=config["domain"],
        state=row["job"] or store.state_of(row["state"], row["driver"]),
        strategy=config["strategy"],
        model=config["model"],
        seed=config["seed"],
        trials=row.get("trials") or 0,
        ratio=min((one for one in (row.get("ratio"), row.get("baseline")) if one is not None), default=None),
        verdict=holdout.get("verdict") if holdout.get("instances") else None,
        started=moment(row["started"]),
        ended=None if ended is None else moment(ended),
        owner=row["owner"],
    )
