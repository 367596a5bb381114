"""What is kept in pieces: uploaded instances, by the SHA-256 of their plain content, and what was exported."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from slotforge.core.errors import UnknownId, UsageError
from slotforge.core.types import Record
from slotforge.lineage.allowance import expect_room
from slotforge.lineage.leases import end_with
from slotforge.lineage.records import moment
from slotforge.lineage.service_schema import Blob, BlobPart, NamedSuite, NamedSuiteItem
from slotforge.lineage.store import SqlStore

LEAST_DIGITS = 8  # of an id, to tell blobs apart
ARTEFACT = "artefact:"  # begins the id of what was exported, before the id of the artefact
CHUNK = 500  # ids in one condition


class BlobRecord(Record):
    """An uploaded instance, or what was exported.

    id: the SHA-256 of its plain content, or ARTEFACT and the id of the artefact.
    name: as the uploader called it; for people only.
    owner: who uploaded it first, and whose allowance it counts against.
    size: of the plain content, in bytes.
    facts: what its content says of itself: variables, clauses, literals; of an artefact, what is told of it.
    at: when it was uploaded last.
    """

    id: str
    name: str
    owner: str
    size: int
    facts: Mapping[str, Any]
    at: datetime


class InUse(UsageError):
    """What is to be removed or replaced is needed by something else."""


def keep(
    store: SqlStore, blob: str, parts: Iterable[bytes], *, name: str, owner: str, size: int, facts: Mapping[str, Any]
) -> BlobRecord:
    """Keep a blob in one transaction, as a whole or not at all; of one that is there already only `at` changes.

    Raises:
        NoRoom: its owner may not keep so much.
    """
    row = {"id": blob, "name": name, "owner": owner, "size": size, "facts": dict(facts), "at": round(time.time(), 6)}
    with store.writing() as connection:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        again = {"index_elements": [Blob.id], "set_": {"at": row["at"]}}
        connection.execute(dialect.insert(Blob).values(row).on_conflict_do_update(**again))
        if connection.scalar(select(BlobPart.blob).where(BlobPart.blob == blob).limit(1)) is None:
            expect_room(connection, owner, name, size, alone=False)
            for position, data in enumerate(parts):
                connection.execute(insert(BlobPart).values(blob=blob, position=position, data=data))
            end_with(connection)
            expect_room(connection, owner, name, size, alone=True)
        return _one(connection, blob)


def artefact(store: SqlStore, id_: str) -> BlobRecord | None:
    """Return what was exported under an id, if it is kept here; its content are the parts of it as they are."""
    with store.reading() as connection:
        row = connection.execute(select(Blob.__table__).where(Blob.id == ARTEFACT + id_)).mappings().one_or_none()
    return _record(row) if row else None


def artefacts(store: SqlStore, ids: Collection[str]) -> frozenset[str]:
    """Return which of some artefacts are kept here."""
    wanted, found = sorted(ARTEFACT + id_ for id_ in ids), set[str]()
    with store.reading() as connection:
        for start in range(0, len(wanted), CHUNK):
            found.update(connection.scalars(select(Blob.id).where(Blob.id.in_(wanted[start : start + CHUNK]))))
    return frozenset(id_.removeprefix(ARTEFACT) for id_ in found)


def uploaded() -> ColumnElement[bool]:
    """Tell instances from artefacts."""
    return ~Blob.id.startswith(ARTEFACT)


def blob(store: SqlStore, ref: str) -> BlobRecord:
    """Return a blob by its id or the beginning of it; raises UnknownId when that fits none or several."""
    with store.reading() as connection:
        return _one(connection, _complete(connection, ref))


def blobs(store: SqlStore, *, limit: int, after: tuple[float, str] | None = None) -> tuple[BlobRecord, ...]:
    """List instances, the newest first. after: time and id of the last one that is known already (see `place`)."""
    query = select(Blob.__table__).where(uploaded()).order_by(Blob.at.desc(), Blob.id.desc()).limit(limit)
    if after is not None:
        query = query.where(tuple_(Blob.at, Blob.id) < after)
    with store.reading() as connection:
        return tuple(_record(row) for row in connection.execute(query).mappings())


def place(record: BlobRecord) -> tuple[float, str]:
    """Say where a blob stands in the list."""
    return record.at.timestamp(), record.id


def parts(store: SqlStore, blob: str) -> Iterator[bytes]:
    """Return the pieces of a blob in order, one at a time."""
    with store.reading() as connection:
        count = connection.scalar(select(func.count()).where(BlobPart.blob == blob)) or 0
    for position in range(count):
        piece = select(BlobPart.data).where(BlobPart.blob == blob, BlobPart.position == position)
        with store.reading() as connection:
            data = connection.scalar(piece)
        if data is None:
            raise UnknownId(f"instance {blob} was deleted while it was read")
        yield data


def remove(store: SqlStore, ref: str) -> BlobRecord:
    """Remove a blob; raises InUse when a suite holds it, and UnknownId when there is none."""
    with store.writing() as connection:
        id_ = _complete(connection, ref)
        connection.execute(select(Blob.id).where(Blob.id == id_).with_for_update())
        holding = select(NamedSuiteItem.suite).where(NamedSuiteItem.blob == id_)
        named = select(NamedSuite.name, NamedSuite.owner).where(NamedSuite.name.in_(holding))
        if (suite := connection.execute(named.order_by(NamedSuite.name).limit(1)).one_or_none()) is not None:
            raise InUse(f"instance {id_[:16]} is in suite '{suite.name}' of {suite.owner}: remove it there first")
        found = _one(connection, id_)
        connection.execute(delete(BlobPart).where(BlobPart.blob == id_))
        connection.execute(delete(Blob).where(Blob.id == id_))
    return found


def _one(connection: Connection, id_: str) -> BlobRecord:
    return _record(connection.execute(select(Blob.__table__).where(Blob.id == id_)).mappings().one())


def _record(row: Any) -> BlobRecord:
    return BlobRecord(**{**row, "at": moment(row["at"])})


def _complete(connection: Connection, ref: str) -> str:
    text = ref.strip().lower()
    if len(text) >= LEAST_DIGITS and set(text) <= set("0123456789abcdef"):
        fits = select(Blob.id).where(Blob.id >= text, Blob.id < f"{text}g").order_by(Blob.id).limit(2)
        if len(found := list(connection.scalars(fits))) == 1:
            return found[0]
        if found:
            raise UnknownId(f"'{ref[:80]}' fits several instances: give more of the id")
    raise UnknownId(f"no instance '{ref[:80]}': give {LEAST_DIGITS} or more digits of the SHA-256 of its plain content")
