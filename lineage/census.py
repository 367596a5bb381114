"""How much there is of what."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from slotforge.core.types import Record
from slotforge.lineage.schema import Run, Trial
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore


class Census(Record):
    """Numbers of things in a store. jobs: by state."""

    jobs: Mapping[str, int]
    runs: int
    trials: int


def count(store: SqlStore) -> Census:
    """Count what is in a store."""
    by_state = select(Job.state, func.count()).group_by(Job.state).order_by(Job.state)
    with store.reading() as connection:
        return Census(
            jobs=dict(iter(connection.execute(by_state))),
            runs=connection.scalar(select(func.count()).select_from(Run)) or 0,
            trials=connection.scalar(select(func.count()).select_from(Trial)) or 0,
        )
