"""What the searches of several runs have cost, for lists of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, union_all

from slotforge.core.types import Record
from slotforge.lineage.columns import Exact
from slotforge.lineage.schema import Interim, Selection, Session, Verdict, VerdictMeasurement
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import RunTotal


class Cost(Record):
    """What a search has cost: CPU seconds and USD as `lineage.records.Usage` counts them."""

    cpu_s: float
    usd: float


def costs(store: SqlStore, runs: Collection[str]) -> Mapping[str, Cost]:
    """Return what runs have cost, by id; one without trials is left out."""
    lost = select(Session.run, func.sum(Session.usd).label("usd")).where(Session.run.in_(runs)).group_by(Session.run)
    total = select(RunTotal.run, RunTotal.cpu_s, RunTotal.usd).where(RunTotal.run.in_(runs))
    with store.reading() as connection:
        unanswered = dict(iter(connection.execute(lost)))
        besides = beside(connection, runs)
        found = connection.execute(total).all()
    return {
        run: Cost(cpu_s=cpu_s + besides.get(run, 0.0), usd=usd + unanswered.get(run, 0.0)) for run, cpu_s, usd in found
    }


def beside(connection: Connection, runs: Collection[str]) -> Mapping[str, float]:
    """Return the CPU seconds of measurements that belong to no trial: on the select split, and for
    verdicts."""
    return dict(iter(connection.execute(_beside(), {"runs": sorted(runs)})))


@cache
def _beside() -> Select[Any]:
    of = bindparam("runs", type_=Exact(), expanding=True)
    chosen = (select(own.run, own.cpu_s).where(own.run.in_(of)) for own in (Selection, Interim))
    judged = select(Verdict.run, VerdictMeasurement.cpu_s).join(Verdict, Verdict.id == VerdictMeasurement.verdict)
    each = union_all(*chosen, judged.where(Verdict.run.in_(of))).subquery()
    return select(each.c.run, func.sum(each.c.cpu_s)).group_by(each.c.run)
