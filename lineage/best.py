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
Part = tuple[str, str]  # of an index, in that order: its first column, and a value
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
        within = parts(connection, domain, slot)
        place = _place(connection, table, of, after) if after else None
        found = sorted(first(connection, table, of, within, limit, place), key=_order)[:limit]
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


def parts(connection: Connection, domain: str | None, slot: str | None) -> Sequence[Part]:
    """Find the parts of an index that hold the candidates of a domain, or of all, that replace a slot."""
    query = select(SlotSet.id, SlotSet.domain, SlotSet.slots).order_by(SlotSet.id)
    sets = connection.execute(query if domain is None else query.where(SlotSet.domain == domain)).all()
    if slot is None:
        return [("domain", name) for name in sorted({row.domain for row in sets if row.slots})]
    return [("slot_set", row.id) for row in sets if slot in row.slots]


def _place(connection: Connection, table: Any, of: Sequence[Any], candidate: str) -> Place | None:
    query = select(table.rank, table.ratio, table.candidate).where(table.candidate == candidate, *of)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.rank, row.ratio, row.candidate)


def first(
    connection: Connection, table: Any, of: Sequence[Any], within: Sequence[Part], limit: int, after: Place | None
) -> Iterator[RowMapping]:
    """Take the first of each part after a place, or of several parts together."""
    key = (table.rank, table.ratio, table.candidate)
    where = [*of, *([tuple_(*key) > tuple_(*map(literal, after))] if after else [])]
    query = select(*key, table.low, table.high, table.run).where(*where).order_by(*key).limit(limit)
    queries = [query.where(getattr(table, column) == value) for column, value in within]
    for start in range(0, len(queries), AT_ONCE):
        found = union_all(*(select(one.subquery()) for one in queries[start : start + AT_ONCE])).subquery()
        yield from connection.execute(select(found).order_by(*tuple(found.c)[:3]).limit(limit)).mappings()


def _order(row: RowMapping) -> Place:
    return row["rank"], row["ratio"], row["candidate"]
