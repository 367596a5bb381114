"""Keep the trials of runs that were better than all before: the steps of a curve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Integer, bindparam, delete, insert, select

from slotforge.lineage.columns import Exact
from slotforge.lineage.summaries import SCORED, Row
from slotforge.lineage.summary_schema import Step

OF, FIRST = bindparam("of", type_=Exact()), bindparam("first", type_=Integer())
BEFORE = select(Step.ratio).where(Step.run == OF, Step.number < FIRST).order_by(Step.number.desc()).limit(1)
AFTER = select(Step.number, Step.ratio).where(Step.run == OF, Step.number > FIRST)
GONE = delete(Step).where(Step.run == OF, Step.number == FIRST)


def add(connection: Connection, trials: Sequence[Row]) -> None:
    """Find the steps among trials that were just written; steps after them may be none any more."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for row in trials:
        if row["number"] >= 0 and row["state"] in SCORED and row["ratio"] is not None:
            found[row["run"]][row["number"]] = row["ratio"]
    for run, points in sorted(found.items()):
        _add(connection, run, points)


def _add(connection: Connection, run: str, points: Mapping[int, float]) -> None:
    where = {"of": run, "first": min(points)}
    after: dict[int, float] = dict(iter(connection.execute(AFTER, where)))
    best: float | None = connection.scalar(BEFORE, where)
    steps: dict[int, float] = {}
    for number, ratio in sorted({**after, **points}.items()):
        if best is None or ratio < best:
            steps[number] = best = ratio
    if gone := [{"of": run, "first": number} for number in after if number not in steps]:
        connection.execute(GONE, gone)
    if new := [{"run": run, "number": n, "ratio": ratio} for n, ratio in steps.items() if n not in after]:
        connection.execute(insert(Step), new)
