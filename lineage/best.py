"""The best that is known in a domain, across runs: what was confirmed first, then by ratio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, select, text

from slotforge.lineage import rows
from slotforge.lineage.columns import Exact
from slotforge.lineage.prepared import prepared
from slotforge.lineage.records import Best
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import FamilyStanding, SlotSet, Standing

Place = tuple[int, float, str]  # in the order of the best: rank, ratio, candidate
Part = tuple[str, str]  # of an index, in that order: its first column, and a value
AT_ONCE = 100  # parts of one query; SQLite takes 500
PLACE = ("rank0", "ratio0", "candidate0")
WHERE = {"family": "family = :family", "rank": "rank = :rank", "below": "ratio <= :below"}


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
    of = {"family": family} if family else {}
    with store.reading() as connection:
        within = parts(connection, domain, slot)
        place = _place(connection, table, of, after) if after else None
        found = sorted(first(connection, table, of, within, limit, place), key=_order)[:limit]
        made = rows.candidates(connection, (row["candidate"] for row in found), domain=domain)
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
    sets = _sets(domain is None).rows(connection, **({} if domain is None else {"domain": domain}))
    if slot is None:
        return [("domain", name) for name in sorted({own for _, own, slots in sets if slots})]
    return [("slot_set", id_) for id_, _, slots in sets if slot in slots]


@prepared
def _sets(any_domain: bool) -> Executable:
    query = select(SlotSet.id, SlotSet.domain, SlotSet.slots).order_by(SlotSet.id)
    return query if any_domain else query.where(SlotSet.domain == bindparam("domain", type_=Exact()))


def _place(connection: Connection, table: Any, of: Mapping[str, Any], candidate: str) -> Place | None:
    own = [table.candidate == candidate, *(getattr(table, name) == value for name, value in of.items())]
    query = select(table.rank, table.ratio, table.candidate).where(*own)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.rank, row.ratio, row.candidate)


def first(
    connection: Connection, table: Any, of: Mapping[str, Any], within: Sequence[Part], limit: int, after: Place | None
) -> Iterator[Mapping[str, Any]]:
    """Take the first of several parts together, after a place.

    Args:
        of: values by their names in `WHERE`.
        within: parts of one index.
    """
    values = {**of, "limit": limit, **(dict(zip(PLACE, after, strict=True)) if after else {})}
    for start in range(0, len(within), AT_ONCE):
        some = within[start : start + AT_ONCE]
        dialect = connection.dialect.name
        query = _union(dialect, table.__tablename__, some[0][0], len(some), tuple(of), after is not None)
        parts = {f"part{number}": value for number, (_, value) in enumerate(some)}
        yield from query.mappings(connection, **values, **parts)


@prepared
def _union(dialect: str, table: str, column: str, parts: int, names: tuple[str, ...], after: bool) -> Executable:
    """Write the query as text, of parts that come in order from an index and are merged as far as asked.

    SQLite does so where nothing is said of the order of a part, other databases where it is.
    """
    where = [WHERE[name] for name in names] + ["(rank, ratio, candidate) > (:rank0, :ratio0, :candidate0)"] * after
    order = "ORDER BY rank, ratio, candidate LIMIT :limit"
    of = [
        f"SELECT rank, ratio, candidate, low, high, run FROM {table} "
        f"WHERE {' AND '.join([f'{column} = :part{part}', *where])}"
        for part in range(parts)
    ]
    if dialect != "sqlite":
        of = [f"({one} {order})" for one in of]
    query = text(f"SELECT * FROM ({' UNION ALL '.join(of)}) AS found {order}")
    return query.bindparams(bindparam("family", type_=Exact())) if "family" in names else query


def _order(row: Mapping[str, Any]) -> Place:
    return row["rank"], row["ratio"], row["candidate"]
