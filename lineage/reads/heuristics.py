"""All heuristics that are known, across runs and domains: by slot, family, ratio, verdict, or words in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Executable, select

from slotforge.core.types import Candidate, Record
from slotforge.lineage import rows, schema
from slotforge.lineage.best import Part, first, parts
from slotforge.lineage.prepared import prepared
from slotforge.lineage.reads.listing import Listing
from slotforge.lineage.reads.sought import sought
from slotforge.lineage.records import Best
from slotforge.lineage.rows import IDS
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import FamilyStanding, Standing

AT_ONCE = 200  # candidates whose texts are read together
LOOKED_THROUGH = 1000  # candidates whose texts are read for one part of a list
Place = tuple[int, float, str]  # rank (0 is confirmed), ratio, candidate


class Order(StrEnum):
    """What comes first: what is confirmed, and then the lowest ratios; or the lowest ratios alone."""

    BEST = "best"
    RATIO = "ratio"


class Wanted(Record):
    """Which heuristics are asked for.

    domain: only of this one; None is all.
    slot: only candidates that replace it.
    family: judge by this family alone.
    below: only ratios that are at most this.
    confirmed: only those that are, or that are not; None is all.
    text: that stands in a source, or in what the model said with it, whatever its case.
    """

    domain: str | None = None
    slot: str | None = None
    family: str | None = None
    below: float | None = None
    confirmed: bool | None = None
    text: str = ""
    order: Order = Order.BEST


def heuristics(store: SqlStore, wanted: Wanted, *, limit: int = 50, after: Place | None = None) -> Listing[Best]:
    """List heuristics with their sources; each stands by its newest verdict, or else by its best search.

    Args:
        after: rank, ratio and id of the last that is known: the list goes on behind it.
    """
    text = wanted.text.strip().casefold()
    found: list[Mapping[str, Any]] = []
    looked, last = 0, after
    with store.reading() as connection:
        within = parts(connection, wanted.domain, wanted.slot)
        while True:
            size = AT_ONCE if text else limit + 1
            part = _part(connection, wanted, within, size, last)
            ended = len(part) < size
            found += _holding(connection, part, text) if text else part
            looked, last = looked + len(part), _place(part[-1]) if part else last
            if len(found) > limit:
                found, last = found[:limit], _place(found[limit - 1])
                break
            if ended or looked >= LOOKED_THROUGH:
                last = None if ended else last
                break
        made = rows.candidates(connection, (row["candidate"] for row in found), domain=wanted.domain)
    return Listing(items=tuple(_best(row, made[row["candidate"]], wanted.family) for row in found), next=last)


def _part(
    connection: Connection, wanted: Wanted, within: Sequence[Part], size: int, after: Place | None
) -> list[Mapping[str, Any]]:
    """Take the next candidates, whatever their texts."""
    table: Any = FamilyStanding if wanted.family else Standing
    of: dict[str, Any] = {"family": wanted.family} if wanted.family else {}
    of |= {} if wanted.below is None else {"below": wanted.below}
    of |= {} if wanted.confirmed is None else {"rank": 0 if wanted.confirmed else 1}
    if wanted.order is Order.BEST:
        return sorted(first(connection, table, of, within, size, after), key=_place)[:size]
    found: list[Mapping[str, Any]] = []
    for rank in (0, 1) if wanted.confirmed is None else (of["rank"],):  # the index is by rank first
        behind = None if after is None else (rank, *after[1:])
        found += first(connection, table, of | {"rank": rank}, within, size, behind)
    return sorted(found, key=lambda row: _place(row)[1:])[:size]


def _place(row: Mapping[str, Any]) -> Place:
    return row["rank"], row["ratio"], row["candidate"]


def _holding(connection: Connection, found: Sequence[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    """Keep candidates that a text stands in, or in an answer of a model that they came from."""
    ids = [row["candidate"] for row in found]
    holding = {candidate for candidate, sources in sought.read(connection, ids).items() if text in sources}
    left = [id_ for id_ in ids if id_ not in holding]
    answers = _answers().rows(connection, ids=left) if left else ()
    holding |= {candidate for candidate, answer in answers if text in answer.casefold()}
    return [row for row in found if row["candidate"] in holding]


@prepared
def _answers() -> Executable:
    trial, answer = schema.Trial, schema.Completion
    query = select(trial.candidate, answer.text).join(
        answer, (answer.run == trial.run) & (answer.number == trial.number)
    )
    return query.where(trial.candidate.in_(IDS))


def _best(row: Mapping[str, Any], made: Candidate, family: str | None) -> Best:
    figures = {name: row[name] for name in ("candidate", "ratio", "low", "high", "run")}
    return Best(domain=made.domain, slots=made.slots, family=family, confirmed=row["rank"] == 0, **figures)
