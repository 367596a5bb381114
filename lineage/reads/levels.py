"""How far the sandbox has contained a candidate."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select, union_all

from slotforge.lineage.columns import Exact
from slotforge.lineage.schema import Measurement, Selection, Trial, Verdict, VerdictMeasurement
from slotforge.lineage.store import SqlStore


def lowest_level(store: SqlStore, candidate: str) -> int | None:
    """Return the lowest level of the sandbox of all runs of a candidate that are kept; None where there is none.

    Runs are those of its trials, on the search and the select split, and those behind verdicts on it or against it.
    A run of which the level is not known has -1.
    """
    with store.reading() as connection:
        found: int | None = connection.scalar(_lowest(), {"candidate": candidate})
    return found


@cache
def _lowest() -> Select[Any]:
    own = bindparam("candidate", type_=Exact())
    of_trials = [
        select(func.min(table.sandbox_level).label("level"))
        .join(Trial, (Trial.run == table.run) & (Trial.number == table.number))
        .where(Trial.candidate == own)
        for table in (Measurement, Selection)
    ]
    paired = select(func.min(VerdictMeasurement.sandbox_level).label("level"))
    paired = paired.join(Verdict, Verdict.id == VerdictMeasurement.verdict)
    sides = {"candidate": Verdict.candidate, "against": Verdict.against}
    behind = [paired.where(column == own, VerdictMeasurement.side == side) for side, column in sides.items()]
    return select(func.min(union_all(*of_trials, *behind).subquery().c.level))
