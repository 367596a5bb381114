"""Jobs as rows of the database: what is asked for, how it stands, and how its run stands with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from sqlalchemy import Connection, Executable, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from slotforge.core.errors import Conflict, UnknownId
from slotforge.lineage import clock
from slotforge.lineage.engine import name
from slotforge.lineage.prepared import prepared
from slotforge.lineage.schema import Event, Run, Trial
from slotforge.lineage.service_schema import Job

State = Literal["queued", "running", "paused", "finished", "cancelled", "failed"]
QUEUED: Final = "queued"
RUNNING: Final = "running"
PAUSED: Final = "paused"
FINISHED: Final = "finished"
CANCELLED: Final = "cancelled"
FAILED: Final = "failed"
OVER: tuple[State, ...] = (FINISHED, CANCELLED)  # never goes on
TICK: Final = 1e-6  # seconds; SQLite's clock counts milliseconds, in which several jobs may be submitted
ENDED: tuple[State, ...] = (*OVER, FAILED)  # does not go on unless it is told to


def add(connection: Connection, **fields: Any) -> None:
    """Put a job into the queue, unless there is one of this id; it is younger than all that are there."""
    now = max(clock.now(connection), (connection.scalar(select(func.max(Job.created))) or 0.0) + TICK)
    usual = {"state": QUEUED, "wish": "", "fence": 0, "attempts": 0, "why": "", "created": now, "changed": now}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(Job).values(**usual, **fields).on_conflict_do_nothing())


def there(connection: Connection, job: str) -> bool:
    """Whether there is a job of this id."""
    return connection.scalar(select(Job.id).where(Job.id == job)) is not None


def waiting(connection: Connection, owner: str) -> int:
    """Count the jobs of an owner that wait in the queue, or will when they are told to go on after a pause."""
    return connection.scalar(select(func.count()).where(Job.owner == owner, Job.state.in_((QUEUED, PAUSED)))) or 0


def find(connection: Connection, ref: str, *, lock: bool = False) -> dict[str, Any]:
    """Return a job by its id or the beginning of it.

    Args:
        lock: keep it from changing until the transaction ends.

    Raises:
        UnknownId: no job begins so, or several do.
    """
    text = ref.strip().lower()
    high = f"{text}g" if set(text) <= set("0123456789abcdef") else text
    found = _between(lock).mappings(connection, low=text, high=high) if text else []
    if found and (len(found) == 1 or found[0]["id"] == text):
        return found[0]
    if not found:
        store = name(connection.engine.url)
        raise UnknownId(f"no job '{ref}' in {store}: list the jobs to see which there are", store=store)
    raise UnknownId(
        f"'{ref}' is not enough of the id, it fits {', '.join(row['id'] for row in found)}: give more of it"
    )


@prepared
def _between(lock: bool) -> Executable:
    """Write the query for the jobs whose ids begin so, up to three of them."""
    low, high = bindparam("low", type_=Job.id.type), bindparam("high", type_=Job.id.type)
    query = select(Job.__table__).where((Job.id == low) | ((Job.id > low) & (Job.id < high))).order_by(Job.id).limit(3)
    return query.with_for_update() if lock else query


def page(
    connection: Connection, *, owner: str | None, states: Sequence[str], limit: int, after: str | None
) -> list[dict[str, Any]]:
    """List jobs, the newest first, from the one after a given job on."""
    query = select(Job.__table__).order_by(Job.created.desc(), Job.id).limit(limit)
    if owner is not None:
        query = query.where(Job.owner == owner)
    if states:
        query = query.where(Job.state.in_(states))
    if after is not None:
        then = select(Job.created).where(Job.id == after).scalar_subquery()
        query = query.where((Job.created < then) | ((Job.created == then) & (Job.id > after)))
    return [dict(row) for row in connection.execute(query).mappings()]


def change(connection: Connection, job: str, **values: Any) -> None:
    """Change a job; one that is let go of has no holder."""
    if values.get("state", RUNNING) != RUNNING:
        values = {"holder": None, "lease_until": None, "wish": "", **values}
    connection.execute(update(Job).where(Job.id == job).values(changed=clock.now(connection), **values))


def tell_run(connection: Connection, job: str, state: str, why: str = "") -> None:
    """Let a run, where it is opened and has not finished, stand as its job does; its history says so once."""
    now, facts = clock.now(connection), {"why": why} if why else {}
    ours = update(Run).where(Run.id == job, Run.state != FINISHED)
    last = select(Event.kind, Event.facts).where(Event.run == job).order_by(Event.id.desc()).limit(1)
    told = connection.execute(ours.values(state=state, ended=now, driver=None)).rowcount
    if told and connection.execute(last).one_or_none() != (state, facts):
        connection.execute(insert(Event).values(run=job, kind=state, facts=facts, at=now))


def refuse_driver(connection: Connection, run: str) -> None:
    """Let nobody without a lease drive a run whose job may yet be taken, nor anybody revive one that was cancelled.

    Raises:
        Conflict: it is such a run.
    """
    state = connection.scalar(select(Job.state).where(Job.id == run))
    if CANCELLED in (state, connection.scalar(select(Run.state).where(Run.id == run))):
        raise Conflict(f"run {run} was cancelled, and cannot go on: `slotforge discover` begins another")
    if state not in (None, FINISHED):
        raise Conflict(f"run {run} is of the queue, and {state}: `slotforge resume {run}` lets a server go on with it")


def recorded(connection: Connection, job: str) -> int:
    """Count the trials that the run of a search has kept."""
    return connection.scalar(select(func.count()).where(Trial.run == job)) or 0
