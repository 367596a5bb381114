"""The best that is known in a domain, across runs: what was confirmed first, then by ratio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, literal, select, tuple_, union_all

from slotforge.lineage import rows
from slotforge.lineage.records import Best
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import FamilyStanding, SlotSet, Standing

Place = tuple[int, float, str]  # in the order of the best: rank, ratio, candidate
AT_ONCE = 100  # parts of one query; SQLite takes 500


def best(
    store: SqlStore,
    domain: str,
    *,
    slot: str | None = None,
    family: str | None = None,
    limit: int = 10,
    after: str | None = None,
) -> tuple[Best, ...]:
    """List the best candidates of a domain against its baseline.

    A candidate stands with its newest verdict against the baseline, or, if there is none, with its best ratio in a
    search.

    Args:
        slot: only candidates that replace this slot.
        family: judge by this family alone.
        limit: how many at most.
        after: the id of the candidate that stands before the first to list.
    """
    table: Any = FamilyStanding if family else Standing
    of = [table.family == family] if family else []
    with store.reading() as connection:
        sets = slot_sets(connection, domain, slot)
        place = _place(connection, table, of, after) if after else None
        found = sorted(first(connection, table, of, sets, limit, place), key=_order)[:limit]
        made = rows.candidates(connection, (row["candidate"] for row in found))
    return tuple(
        Best(
            candidate=row["candidate"],
            domain=domain,
            slots=made[row["candidate"]].slots,
            family=family,
            confirmed=row["rank"] == 0,
            **{name: row[name] for name in ("ratio", "low", "high", "run")},
        )
        for row in found
    )


def slot_sets(connection: Connection, domain: str | None, slot: str | None) -> Sequence[str]:
    """Find the slots, of a domain or of all, that are replaced together, and one of them is this."""
    sets = select(SlotSet.id, SlotSet.slots).order_by(SlotSet.id)
    found = connection.execute(sets if domain is None else sets.where(SlotSet.domain == domain))
    return [id_ for id_, slots in found if slots and (slot is None or slot in slots)]


def _place(connection: Connection, table: Any, of: Sequence[Any], candidate: str) -> Place | None:
    query = select(table.rank, table.ratio, table.candidate).where(table.candidate == candidate, *of)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.rank, row.ratio, row.candidate)


def first(
    connection: Connection, table: Any, of: Sequence[Any], sets: Sequence[str], limit: int, after: Place | None
) -> Iterator[RowMapping]:
    """Take the first of each slot set after a place, by its part of the index."""
    key = (table.rank, table.ratio, table.candidate)
    where = [*of, *([tuple_(*key) > tuple_(*map(literal, after))] if after else [])]
    query = select(*key, table.low, table.high, table.run).where(*where).order_by(*key).limit(limit)
    for start in range(0, len(sets), AT_ONCE):
        parts = (query.where(table.slot_set == id_).subquery() for id_ in sets[start : start + AT_ONCE])
        yield from connection.execute(union_all(*(select(part) for part in parts))).mappings()


def _order(row: RowMapping) -> Place:
    return row["rank"], row["ratio"], row["candidate"]
