"""How much the owner of a key may use at once and in a month, and keep, and how much of it is used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from slotforge.core.errors import FormulaError
from slotforge.core.types import Record
from slotforge.lineage.jobs import QUEUED, RUNNING
from slotforge.lineage.schema import Session
from slotforge.lineage.service_schema import ApiKey, Blob, Job
from slotforge.lineage.summary_schema import RunTotal

DUST = 1e-9  # dollars; what sums of floating-point numbers may be off by


class Allowance(Record):
    """What an owner may use: jobs and CPUs at the same time, dollars in a calendar month, bytes of uploads.

    None is no limit.
    """

    runs: int | None = None
    cpus: int | None = None
    usd: float | None = None
    bytes: int | None = None


class NoRoom(FormulaError):
    """A file cannot be taken in, for its owner would keep more than they may."""


def of(connection: Connection, owner: str) -> Allowance:
    """Return the allowance of an owner; without a key of this name there are no limits."""
    query = select(ApiKey.runs, ApiKey.cpus, ApiKey.usd, ApiKey.bytes).where(ApiKey.name == owner)
    row = connection.execute(query).mappings().one_or_none()
    return Allowance(**row) if row else Allowance()


def beyond(own: Allowance, owner: str, cpus: int, usd: float | None) -> str:
    """Say why a job could never be taken, so that all of its owner behind it would wait for ever; empty where it can.

    Args:
        usd: that it may cost; None is without a limit.
    """
    if own.runs == 0:
        return f"{owner} may run no jobs"
    if own.cpus is not None and cpus > own.cpus:
        return f"{owner} may use {own.cpus} CPUs at once, and this job needs {cpus}: give it fewer workers"
    if own.usd is None:
        return ""
    if usd is None:
        return f"{owner} may spend a limited amount a month: give the run a budget in USD"
    if usd > own.usd + DUST or (own.usd <= 0 and usd > 0):
        return f"{owner} may spend {own.usd:g} USD a month, and this job may cost {usd:g}: give it a smaller budget"
    return ""


def expect_room(connection: Connection, owner: str, name: str, size: int, *, alone: bool) -> None:
    """Refuse an upload that is more than its owner may keep.

    Args:
        name, size: of the upload, which is kept already.
        alone: no other of theirs is kept until the transaction ends, and none of their jobs is taken: no time for more.

    Raises:
        NoRoom: it is more.
    """
    limit = select(ApiKey.bytes).where(ApiKey.name == owner, ApiKey.bytes.is_not(None))
    most = connection.scalar(limit.with_for_update() if alone else limit)
    if most is None:
        return
    kept = connection.scalar(select(func.coalesce(func.sum(Blob.size), 0)).where(Blob.owner == owner)) or 0
    if kept > most:
        raise NoRoom(
            f"{name}: {owner} may keep {most:,} bytes of instances, has {kept - size:,}, and this one has {size:,}: "
            "delete some that no suite holds"
        )


def counted(connection: Connection) -> set[str]:
    """Return the owners whose jobs wait, and let no other server count for them until the transaction ends.

    Their keys are locked in one order, so that no server waits for another in a circle.
    """
    owners = set(connection.scalars(select(Job.owner).where(Job.state == QUEUED).distinct()))
    keys = select(ApiKey.name).where(ApiKey.name.in_(owners)).order_by(ApiKey.name)
    connection.execute(keys.with_for_update())
    return owners


def refusal(connection: Connection, job: Mapping[str, Any], now: float) -> str:
    """Say why a job has to wait for others of its owner, or for the next month; empty when it need not.

    A job sets aside what it may still spend for as long as it runs. Its owner is one of those that are `counted`.
    """
    own = of(connection, job["owner"])
    runs, cpus = connection.execute(
        select(func.count(), func.coalesce(func.sum(Job.cpus), 0)).where(
            Job.owner == job["owner"], Job.state == RUNNING
        )
    ).one()
    if own.runs is not None and runs >= own.runs:
        return f"{job['owner']} may run {own.runs} jobs at once"
    if own.cpus is not None and cpus + job["cpus"] > own.cpus:
        return f"{job['owner']} may use {own.cpus} CPUs at once: {cpus} are in use, and this job needs {job['cpus']}"
    if own.usd is None:
        return ""
    used = committed(connection, job["owner"], now)
    left = own.usd - used
    more = _unspent(connection, job)
    if more > left + DUST or (left <= 0 and job["usd"] != 0):
        return (
            f"{job['owner']} may spend {own.usd:g} USD a month: {used:.2f} are spent or set aside, and this job may "
            f"still cost {more:.2f}"
        )
    return ""


def committed(connection: Connection, owner: str, now: float) -> float:
    """Return the dollars that an owner has spent in this month (UTC), with those that running jobs may still spend.

    All that a job has spent counts in the month in which it changed last.
    """
    month = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
    ours = (Job.owner == owner) & ((Job.changed >= month) | (Job.state == RUNNING))
    running = connection.execute(select(Job.id, Job.usd).where(Job.owner == owner, Job.state == RUNNING)).mappings()
    return _spent(connection, ours) + sum(_unspent(connection, dict(job)) for job in running.all())


def _unspent(connection: Connection, job: Mapping[str, Any]) -> float:
    return max(0.0, float(job["usd"]) - _spent(connection, Job.id == job["id"])) if job["usd"] else 0.0


def _spent(connection: Connection, which: Any) -> float:
    """Return what the runs of some jobs have cost, with what calls without an answer may have; replays are free."""
    jobs = select(Job.id).where(which, Job.usd.is_(None) | (Job.usd != 0))
    sums = (select(func.coalesce(func.sum(row.usd), 0.0)).where(row.run.in_(jobs)) for row in (RunTotal, Session))
    return sum(float(connection.scalar(one) or 0.0) for one in sums)
