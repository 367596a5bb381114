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


class Census(Record):
    """Numbers of things in a store. jobs: by state; waiting_s: of the job that has waited longest in the queue."""

    jobs: Mapping[str, int]
    waiting_s: float
    runs: int
    trials: int


def count(store: SqlStore) -> Census:
    """Count what is in a store."""
    by_state = select(Job.state, func.count()).group_by(Job.state).order_by(Job.state)
    oldest = select(func.min(Job.changed)).where(Job.state == QUEUED)
    with store.reading() as connection:
        now = clock.now(connection)
        return Census(
            jobs=dict(iter(connection.execute(by_state))),
            waiting_s=max(0.0, now - (connection.scalar(oldest) or now)),
            runs=connection.scalar(select(func.count()).select_from(Run)) or 0,
            trials=connection.scalar(select(func.count()).select_from(Trial)) or 0,
        )
