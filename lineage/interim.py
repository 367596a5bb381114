"""Measurements of the choice and of verdicts of a search that is under way, until these hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, delete, select, tuple_

from slotforge.core.types import Measurement
from slotforge.lineage import rows, schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.prepared import prepared

SAME = ("candidate", "instance", "seed", "build", "cost")


def read(connection: Connection, run: str) -> Mapping[str, Sequence[Measurement]]:
    """Return what is kept for a run, by key."""
    found: dict[str, list[Measurement]] = defaultdict(list)
    for row in _all().mappings(connection, of=run):
        found[row["key"]].append(rows.record(Measurement, row))
    return {key: tuple(runs) for key, runs in found.items()}


def settle(connection: Connection, run: str) -> None:
    """Remove what the select split or a verdict of the run holds by now; what neither does stays, for what it took."""
    row, chosen, paired, verdict = schema.Interim, schema.Selection, schema.VerdictMeasurement, schema.Verdict

    def same(table: Any) -> list[Any]:
        return [getattr(table, name) for name in SAME]

    judged = select(verdict.id).where(verdict.run == run)
    held = (
        select(*same(chosen)).where(chosen.run == run),
        select(*same(paired)).where(paired.verdict.in_(judged)),
    )
    for runs in held:
        connection.execute(delete(row).where(row.run == run, tuple_(*same(row)).in_(runs)))


@prepared
def _all() -> Executable:
    row = schema.Interim
    return select(row.__table__).where(row.run == bindparam("of", type_=Exact())).order_by(row.key, row.position)
