"""Named suites: sets of uploaded instances, `suite:NAME` where instances are named."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from slotforge.core.errors import Conflict, UnknownId, UsageError
from slotforge.core.types import Record
from slotforge.lineage.blobs import InUse, uploaded
from slotforge.lineage.jobs import OVER
from slotforge.lineage.records import moment
from slotforge.lineage.service_schema import Blob, Job, NamedSuite, NamedSuiteItem
from slotforge.lineage.store import SqlStore

PREFIX = "suite:"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
WANTED = "the name of a suite has 1 to 64 letters, digits, '.', '_' and '-', and begins with no sign"


class SuiteItem(Record):
    """An instance of a suite. name: as its uploader called it; for people only."""

    id: str
    name: str
    size: int


class SuiteSummary(Record):
    """A line in the list of suites. size: of the plain content of all its instances, in bytes."""

    name: str
    owner: str
    at: datetime
    instances: int
    size: int


class SuiteRecord(SuiteSummary):
    """A suite with its instances, in order."""

    items: tuple[SuiteItem, ...]


def put(store: SqlStore, name: str, blobs: Sequence[str], *, owner: str, admin: bool = False) -> SuiteRecord:
    """Make a suite of blobs, or put others in the place of those of the suite of this name.

    Args:
        owner: who does so.
        admin: whether they may also change a suite of somebody else, whose it stays.

    Raises:
        Conflict: the suite of this name is somebody else's.
        UsageError: the name has other characters than it may, or there is no blob.
        UnknownId: a blob is not there.
        InUse: a job that has not ended searches on the suite of this name.
    """
    check_name(name)
    wanted = tuple(dict.fromkeys(blobs))
    if not wanted:
        raise UsageError(f"suite '{name}' would be empty: give the ids of uploaded instances")
    row = {"name": name, "owner": owner, "at": round(time.time(), 6)}
    with store.writing() as connection:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        made = dialect.insert(NamedSuite).values(row).on_conflict_do_nothing().returning(NamedSuite.name)
        if connection.scalar(made) is None:
            _clear(connection, name, None if admin else owner)
            connection.execute(update(NamedSuite).where(NamedSuite.name == name).values(at=row["at"]))
        known: set[str] = set()
        for chunk in _chunks(wanted):
            there = select(Blob.id).where(Blob.id.in_(chunk), uploaded())
            known.update(connection.scalars(there.with_for_update(read=True)))
        if missing := [id_ for id_ in wanted if id_ not in known]:
            raise UnknownId(f"no instance '{missing[0][:80]}': upload it first, and give its whole id")
        items = [{"suite": name, "position": place, "blob": id_} for place, id_ in enumerate(wanted)]
        connection.execute(insert(NamedSuiteItem), items)
        return _read(connection, name)


def check_name(name: str) -> None:
    """Raise UsageError unless a suite may be called so."""
    if not NAME.fullmatch(name):
        raise UsageError(WANTED)


def no_suite(name: str) -> UnknownId:
    """Make the error that there is none of this name."""
    said = f"'{name}'" if NAME.fullmatch(name) else ascii(name[:80])
    return UnknownId(f"no suite {said}: `slotforge suites list` lists them")


def suite(store: SqlStore, name: str) -> SuiteRecord:
    """Return a suite; raises UnknownId when there is none of this name."""
    with store.reading() as connection:
        return _read(connection, name)


def suites(store: SqlStore, *, limit: int, after: str | None = None) -> tuple[SuiteSummary, ...]:
    """List suites by name. after: the last name that is known already."""
    query = (
        select(NamedSuite.name, NamedSuite.owner, NamedSuite.at, func.count(), func.coalesce(func.sum(Blob.size), 0))
        .outerjoin(NamedSuiteItem, NamedSuiteItem.suite == NamedSuite.name)
        .outerjoin(Blob, Blob.id == NamedSuiteItem.blob)
        .group_by(NamedSuite.name, NamedSuite.owner, NamedSuite.at)
        .order_by(NamedSuite.name)
        .limit(limit)
    )
    if after is not None:
        query = query.where(NamedSuite.name > after)
    with store.reading() as connection:
        return tuple(
            SuiteSummary(name=name, owner=owner, at=moment(at), instances=count, size=size)
            for name, owner, at, count, size in connection.execute(query)
        )


def remove(store: SqlStore, name: str, *, owner: str | None = None) -> SuiteRecord:
    """Remove a suite, and none of its instances.

    Args:
        owner: whose it has to be; None is anybody's.

    Raises:
        UnknownId: there is none of this name.
        Conflict: it is somebody else's.
        InUse: a job that may go on searches on it.
    """
    with store.writing() as connection:
        found = _read(connection, name)
        _clear(connection, name, owner)
        connection.execute(delete(NamedSuite).where(NamedSuite.name == name))
    return found


def _clear(connection: Connection, name: str, owner: str | None) -> None:
    """Take the instances out of a suite, unless a job needs them; nobody else changes it until the transaction ends."""
    held = connection.scalar(select(NamedSuite.owner).where(NamedSuite.name == name).with_for_update())
    if owner not in (None, held):
        raise Conflict(f"suite '{name}' is not {owner}'s: choose another name")
    for id_, config in connection.execute(select(Job.id, Job.config).where(Job.state.not_in(OVER))):
        if PREFIX + name in _specs(config):
            raise InUse(f"suite '{name}' is searched on by job {id_}: wait for its end, or cancel it first")
    connection.execute(delete(NamedSuiteItem).where(NamedSuiteItem.suite == name))


def _specs(config: Mapping[str, object]) -> Sequence[object]:
    found = config.get("instances", config.get("specs", ()))
    return found if isinstance(found, list | tuple) else ()


def _read(connection: Connection, name: str) -> SuiteRecord:
    if not NAME.fullmatch(name):
        raise no_suite(name)
    head = connection.execute(select(NamedSuite.owner, NamedSuite.at).where(NamedSuite.name == name)).one_or_none()
    if head is None:
        raise no_suite(name)
    query = (
        select(Blob.id, Blob.name, Blob.size)
        .join(NamedSuiteItem, NamedSuiteItem.blob == Blob.id)
        .where(NamedSuiteItem.suite == name)
        .order_by(NamedSuiteItem.position)
    )
    items = tuple(SuiteItem(id=id_, name=said, size=size) for id_, said, size in connection.execute(query))
    return SuiteRecord(
        name=name,
        owner=head.owner,
        at=moment(head.at),
        instances=len(items),
        size=sum(item.size for item in items),
        items=items,
    )


def _chunks(ids: Sequence[str], size: int = 500) -> list[Sequence[str]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
