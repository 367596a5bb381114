"""The list of runs: those that were begun, by whomever, and searches that wait in the queue."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Executable,
    Float,
    Integer,
    Select,
    Text,
    bindparam,
    func,
    select,
    type_coerce,
)

from slotforge.core.types import Record, RunConfig, Suite
from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.lookup import find
from slotforge.lineage.prepared import prepared
from slotforge.lineage.reads.listing import Listing, cut
from slotforge.lineage.records import RunRecord, RunSummary, moment
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summaries import SCORED
from slotforge.lineage.summary_schema import RunTotal

SEARCH = "search"
AT_WORK = "running"
ESCAPE = "/"  # of a pattern
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
    sought = text.strip()
    filters = [name for name, one in (("domain", domain), ("owner", owner), ("text", sought), ("after", after)) if one]
    values: dict[str, Any] = {"most": limit + 1, "owner": owner, "domain": domain}
    values |= {"prefix": _like(sought) + "%", "holding": _like(json.dumps(sought)[1:-1], "%")}
    values |= dict(zip(("when", "last"), after or (), strict=False))
    with store.reading() as connection:
        if states:
            filters += ["states", *(state for state in (RunState.RUNNING, RunState.INTERRUPTED) if state in states)]
            values |= {
                "states": sorted(states),
                "others": sorted({*states} - {AT_WORK}),
                "alive": _alive(store, connection),
            }
        found = _begun(*filters).mappings(connection, **values)
        values["domain"] = _like(f'"domain":{json.dumps(domain)}', "%")
        found = [*found, *_waiting(*filters).mappings(connection, **values)]
        newest = sorted(found, key=lambda row: (-row["started"], row["id"]))
        rows, last = cut(newest, limit, lambda row: (row["started"], row["id"]))
        return Listing(items=tuple(_line(store, row) for row in rows), next=last)


def run_id(store: SqlStore, ref: str) -> str:
    """Complete the beginning of a run's id; a search that waits in the queue is a run as well.

    Raises:
        UnknownId: it fits none, or several.
    """
    with store.reading() as connection:
        whole = _search().scalar(connection, of=ref.strip().lower())
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
        found = _asked().rows(connection, of=id_)
    if not found:
        return None
    state, config, created, waits = found[0]
    return Asked(state=state, config=RunConfig.model_validate(config), created=moment(created), waits=waits)


@prepared
def _search() -> Executable:
    return select(Job.id).where(_own_job(bindparam("of", type_=Exact())))


@prepared
def _asked() -> Executable:
    opened = select(schema.Run.id).where(schema.Run.id == Job.id).exists()
    return select(Job.state, Job.config, Job.created, ~opened).where(_own_job(bindparam("of", type_=Exact())))


def wished(store: SqlStore, id_: str) -> str:
    """Return what the owner of a run wishes for it, "pause" or "cancel"; empty where that is nothing."""
    with store.reading() as connection:
        return connection.scalar(select(Job.wish).where(_own_job(id_))) or ""


@prepared
def _begun(*filters: str) -> Executable:
    """Write the query for runs that were begun."""
    run = schema.Run
    columns = (run.id, run.domain, run.config, run.state, run.driver, run.report, run.started, run.ended)
    query = select(*columns, RunTotal.trials, RunTotal.ratio, _baseline(), Job.state.label("job"), Job.owner)
    query = query.outerjoin(RunTotal, RunTotal.run == run.id).outerjoin(Job, _own_job(run.id))
    where = {"domain": run.domain == bindparam("domain", type_=Exact()), "states": _stand(filters)}
    return _newest(query, run.id, run.config, run.started, where, filters)


@prepared
def _waiting(*filters: str) -> Executable:
    """Write the query for searches whose runs are not opened yet."""
    columns = (Job.id, Job.config, Job.state.label("job"), Job.owner, Job.created.label("started"))
    opened = select(schema.Run.id).where(schema.Run.id == Job.id).exists()
    query = select(*columns).where(Job.kind == SEARCH, ~opened)
    where = {"domain": _holds(Job.config, "domain"), "states": Job.state.in_(_list("states"))}
    return _newest(query, Job.id, Job.config, Job.created, where, filters)


def _newest(
    query: Select[Any],
    id_: Any,
    config: Any,
    started: Any,
    where: Mapping[str, ColumnElement[bool]],
    filters: Sequence[str],
) -> Select[Any]:
    """Choose the newest of what passes the filters that are named."""
    when, last = bindparam("when", type_=Float()), bindparam("last", type_=Exact())
    where = {
        **where,
        "owner": Job.owner == bindparam("owner", type_=Exact()),
        "text": id_.like(bindparam("prefix", type_=Exact()), escape=ESCAPE) | _holds(config, "holding"),
        "after": (started < when) | ((started == when) & (id_ > last)),
    }
    chosen = query.where(*(where[name] for name in filters if name in where))
    return chosen.order_by(started.desc(), id_).limit(bindparam("most", type_=Integer()))


def _baseline() -> ColumnElement[float | None]:
    """Return the ratio of a run's baseline, which its search begins with."""
    trial = schema.Trial
    own = select(trial.ratio).where(trial.run == schema.Run.id, trial.number == 0, trial.state.in_(SCORED))
    return own.correlate(schema.Run).scalar_subquery().label("baseline")


def _own_job(run: Any) -> ColumnElement[bool]:
    own: ColumnElement[bool] = (Job.id == run) & (Job.kind == SEARCH)
    return own


def _holds(column: Any, text: str) -> ColumnElement[bool]:
    """Whether a column of JSON holds a text, given by the name of its parameter, as JSON writes it."""
    lowered: ColumnElement[str] = func.lower(type_coerce(column, Text), type_=Text())
    holds: ColumnElement[bool] = lowered.like(bindparam(text, type_=Text()), escape=ESCAPE)
    return holds


def _like(text: str, around: str = "") -> str:
    """Write a pattern that a text in small letters fits."""
    return around + "".join(ESCAPE * (c in f"%_{ESCAPE}") + c for c in text.lower()) + around


def _list(name: str) -> BindParameter[Any]:
    return bindparam(name, type_=Exact(), expanding=True)


def _stand(filters: Sequence[str]) -> ColumnElement[bool]:
    """Choose runs by state: one that nobody drives any more, and that has no job, is interrupted."""
    run = schema.Run
    own: ColumnElement[bool] = run.state.in_(_list("others"))
    if RunState.RUNNING in filters:
        own |= run.id.in_(_list("alive"))
    if RunState.INTERRUPTED in filters:
        own |= (run.state == AT_WORK) & run.id.not_in(_list("alive"))
    return Job.state.in_(_list("states")) | (Job.id.is_(None) & own)


def _alive(store: SqlStore, connection: Connection) -> list[str]:
    """Return the runs that have no job, and that a living process drives."""
    run = schema.Run
    query = select(run.id, run.driver).outerjoin(Job, _own_job(run.id)).where(Job.id.is_(None), run.state == AT_WORK)
    return [id_ for id_, driver in connection.execute(query) if store.state_of(AT_WORK, driver) == AT_WORK]


def _report(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report of a run, unless it goes on after it."""
    return (row["report"] or {}) if "report" in row and row["state"] != AT_WORK else {}


def _line(store: SqlStore, row: Mapping[str, Any]) -> RunLine:
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
