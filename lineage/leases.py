"""Who may drive a job, and until when: it is taken, kept by signs of life, let go of, or lost.

Whenever a job is taken its fence grows; a transaction of one that holds an older fence fails, whatever it writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select, update

from slotforge.core.errors import StoreError
from slotforge.lineage import allowance, clock, driver, jobs
from slotforge.lineage.jobs import CANCELLED, FAILED, FINISHED, PAUSED, QUEUED, RUNNING, State
from slotforge.lineage.service_schema import Job, Server

SECONDS = 30.0
ATTEMPTS = 20  # in a row without getting any further
ELSEWHERE = "ray"  # the executor whose work is done on other machines
SILENT = "gave no sign of life"
WISHED: Mapping[str, State] = {"pause": PAUSED, "cancel": CANCELLED}


class LeaseLost(StoreError):
    """A job belongs to somebody else by now, or to nobody: its former holder may write no more."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to drive a job.

    cpus: of this machine that it uses.
    """

    job: str
    holder: str
    fence: int
    cpus: int
    seconds: float

    def guard(self, connection: Connection) -> None:
        """Let a transaction go on only if the job is still ours, and keep it so until the transaction ends."""
        end_with(connection, self.seconds)
        held = select(Job.fence).where(*_ours(self)).with_for_update(read=True)
        if connection.scalar(held) is None:
            raise lost(self)


def end_with(connection: Connection, seconds: float = SECONDS) -> None:
    """Let PostgreSQL end the transaction of a process that freezes in it, or of a lost machine, as a lease does.

    Else nobody could take, or put back, the jobs whose rows it has locked. PostgreSQL does not take a session for idle
    that froze while it sent statements; so nobody waits more than twice as long for what is locked, either.
    """
    if connection.dialect.name == "postgresql":
        most = max(1, round(1000 * seconds))
        connection.exec_driver_sql(
            f"SELECT set_config('idle_in_transaction_session_timeout', '{most}', true), "
            f"set_config('lock_timeout', '{2 * most}', true)"
        )


def lost(lease: Lease) -> LeaseLost:
    """Say that a lease is lost."""
    return LeaseLost(f"job {lease.job} is no longer driven by {lease.holder}: this process may not go on with it")


def take(connection: Connection, holder: str, *, cpus: int | None, seconds: float) -> Lease | None:
    """Take the job that is next, by priority and then by age.

    An owner's jobs are taken in their order, so one that must wait for others of its owner lets those behind it wait
    as well; so does a job that needs more CPUs than are free, or small jobs could keep it waiting for ever.

    Args:
        cpus: that are free; None takes what comes, whatever it needs.
    """
    end_with(connection, seconds)
    owners, now = allowance.counted(connection), clock.now(connection)
    while owners and (row := _next(connection, now, owners)) is not None:
        if why := allowance.refusal(connection, row, now):
            if row["why"] != why:
                jobs.change(connection, row["id"], why=why)
            owners.discard(row["owner"])
            continue
        needed = 1 if row["config"].get("executor") == ELSEWHERE else row["cpus"]
        if cpus is not None and needed > cpus:
            return None
        fence = row["fence"] + 1
        taken = {"state": RUNNING, "holder": holder, "lease_until": now + seconds, "fence": fence, "why": ""}
        jobs.change(connection, row["id"], attempts=row["attempts"] + 1, **taken)
        return Lease(job=row["id"], holder=holder, fence=fence, cpus=needed, seconds=seconds)
    return None


def _next(connection: Connection, now: float, owners: set[str]) -> dict[str, Any] | None:
    query = select(Job.__table__).where(
        Job.state == QUEUED, Job.lease_until.is_(None) | (Job.lease_until <= now), Job.owner.in_(owners)
    )
    ordered = query.order_by(Job.priority.desc(), Job.created, Job.id).limit(1)
    return _one(connection, ordered.with_for_update(skip_locked=True))


def _one(connection: Connection, query: Select[Any]) -> dict[str, Any] | None:
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)


def renew(connection: Connection, lease: Lease, *, further: bool) -> str:
    """Keep a job for another while, and return what is wished for; with `further` its attempts are counted anew."""
    end_with(connection, lease.seconds)
    values: dict[str, Any] = {"lease_until": clock.now(connection) + lease.seconds}
    if further:
        values["attempts"] = 0
    wish: str | None = connection.scalar(update(Job).where(*_ours(lease)).values(values).returning(Job.wish))
    if wish is None:
        raise lost(lease)
    return wish


def release(
    connection: Connection, lease: Lease, state: State, *, why: str = "", result: Mapping[str, Any] | None = None
) -> None:
    """Let go of a job: finished, failed, or else paused or cancelled as is wished, and queued where nothing is."""
    row = _held(connection, lease)
    if state not in (FINISHED, FAILED):
        state = WISHED.get(row["wish"], QUEUED)
    jobs.change(connection, lease.job, state=state, why=why, result=result, attempts=0)
    if state in (PAUSED, CANCELLED, FAILED):
        jobs.tell_run(connection, lease.job, state, why)


def retry(connection: Connection, lease: Lease, why: str, *, counted: bool = True) -> None:
    """Let go of a job whose process has failed; it waits a little longer each time.

    Args:
        counted: whether it may be the job's own fault.
    """
    row = _counted(_held(connection, lease), counted)
    _put_back(connection, row, why, until=clock.now(connection) + min(2.0 ** row["attempts"], lease.seconds))


def _held(connection: Connection, lease: Lease) -> dict[str, Any]:
    end_with(connection, lease.seconds)
    found = _one(connection, select(Job.__table__).where(*_ours(lease)).with_for_update())
    if found is None:
        raise lost(lease)
    return found


def reap(connection: Connection, *, counted: bool = True) -> Sequence[str]:
    """Put back the jobs whose lease is over, and those whose server was on this machine and is gone.

    Args:
        counted: whether it may be their own fault.
    """
    end_with(connection)
    now = clock.now(connection)
    query = select(Job.__table__, Server.facts).outerjoin(Server, Server.id == Job.holder).where(Job.state == RUNNING)
    dead = []
    for seen in connection.execute(query.order_by(Job.id)).mappings().all():
        if seen["lease_until"] > now and not _gone(seen["facts"]):
            continue
        still = (Job.id == seen["id"], Job.fence == seen["fence"], Job.lease_until == seen["lease_until"])
        row = _one(connection, select(Job.__table__).where(*still).with_for_update(skip_locked=True))
        if row is not None and row["state"] == RUNNING:
            why = f"server {row['holder']} {'is gone' if _gone(seen['facts']) else SILENT}"
            _put_back(connection, _counted(row, counted), why)
            dead.append(row["id"])
    return tuple(dead)


def _counted(row: dict[str, Any], counted: bool) -> dict[str, Any]:
    """Return a job that was taken, as if it had not been where that is not counted."""
    return row if counted else {**row, "attempts": max(0, row["attempts"] - 1)}


def _gone(facts: Mapping[str, Any] | None) -> bool:
    return facts is not None and not driver.lives(facts["process"], elsewhere=True)


def _put_back(connection: Connection, row: Mapping[str, Any], why: str, until: float | None = None) -> None:
    """Let a job wait for another attempt, unless its owner wished otherwise or it has had too many."""
    state = WISHED.get(row["wish"], QUEUED if row["attempts"] < ATTEMPTS else FAILED)
    if state == FAILED:
        why = f"given up after {ATTEMPTS} attempts in a row that got no further, the last one: {why}"
    waits = {"attempts": row["attempts"], "lease_until": until if state == QUEUED else None}
    jobs.change(connection, row["id"], state=state, why=why, **waits)
    if state != QUEUED:
        jobs.tell_run(connection, row["id"], state, why)


def _ours(lease: Lease) -> tuple[Any, ...]:
    return Job.id == lease.job, Job.fence == lease.fence, Job.holder == lease.holder, Job.state == RUNNING


def held(connection: Connection, holder: str) -> Mapping[str, int]:
    """Return the jobs that a server holds and whose lease is not over, each with its fence."""
    now = clock.now(connection)
    query = select(Job.id, Job.fence).where(Job.holder == holder, Job.state == RUNNING, Job.lease_until > now)
    return {row.id: row.fence for row in connection.execute(query)}
