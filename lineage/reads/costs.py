"""What the searches of several runs have cost, for lists of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import func, select

from slotforge.core.types import Record
from slotforge.lineage.schema import Session
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import RunTotal


class Cost(Record):
    """What a search has cost: CPU seconds of its trials, and USD with what calls without an answer may have cost."""

    cpu_s: float
    usd: float


def costs(store: SqlStore, runs: Collection[str]) -> Mapping[str, Cost]:
    """Return what runs have cost, by id; one without trials is left out."""
    lost = select(Session.run, func.sum(Session.usd).label("usd")).where(Session.run.in_(runs)).group_by(Session.run)
    total = select(RunTotal.run, RunTotal.cpu_s, RunTotal.usd).where(RunTotal.run.in_(runs))
    with store.reading() as connection:
        unanswered = dict(iter(connection.execute(lost)))
        found = connection.execute(total).all()
    return {run: Cost(cpu_s=cpu_s, usd=usd + unanswered.get(run, 0.0)) for run, cpu_s, usd in found}
