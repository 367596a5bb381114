"""How much there is of what."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from slotforge.core.types import Record
from slotforge.lineage import clock
from slotforge.lineage.jobs import QUEUED
from slotforge.lineage.schema import Run, Trial
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import RunTotal


class Census(Record):
    """Numbers of things in a store.

    jobs: by state; taken: how often servers took one, again where a server or a process was lost.
    waiting_s: of the job that has waited longest in the queue.
    usd, cpu_s: of the models and the trials of all runs.
    """

    jobs: Mapping[str, int]
    taken: int
    waiting_s: float
    runs: int
    trials: int
    usd: float
    cpu_s: float


def count(store: SqlStore) -> Census:
    """Count what is in a store."""
    by_state = select(Job.state, func.count()).group_by(Job.state).order_by(Job.state)
    oldest = select(func.min(Job.changed)).where(Job.state == QUEUED)
    spent = select(func.coalesce(func.sum(RunTotal.usd), 0.0), func.coalesce(func.sum(RunTotal.cpu_s), 0.0))
    with store.reading() as connection:
        usd, cpu_s = connection.execute(spent).one()
        now = clock.now(connection)
        return Census(
            jobs=dict(iter(connection.execute(by_state))),
            taken=connection.scalar(select(func.sum(Job.fence))) or 0,
            waiting_s=max(0.0, now - (connection.scalar(oldest) or now)),
            runs=connection.scalar(select(func.count()).select_from(Run)) or 0,
            trials=connection.scalar(select(func.count()).select_from(Trial)) or 0,
            usd=usd,
            cpu_s=cpu_s,
        )
