"""Filling an empty store from a backup of any kind of store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Table, func, insert, inspect, select, text

from slotforge.core.errors import StoreError
from slotforge.core.types import Record
from slotforge.lineage import dump, migrations, schema
from slotforge.lineage.check import contents, damages
from slotforge.lineage.engine import clear_errors, connect, locate
from slotforge.lineage.store import open_store

SQLITE = b"SQLite format 3\x00"


class Restored(Record):
    """What a store was filled with: the revision of the backup's tables, and the rows of each table."""

    store: str
    file: str
    revision: str
    rows: Mapping[str, int]


class Source(Protocol):
    """A backup that can be read."""

    revision: str

    def parts(self) -> Iterator[dump.Part]:
        """Read the tables, each after those that it points to."""


def restore(path: Path, where: str | Path | None = None) -> Restored:
    """Fill a store from a backup, whole or not at all; then nobody drives its runs.

    Args:
        path: of a file that `backup` wrote, from this version of slotforge or an older one.
        where: as for `open_store`; the store is made if need be.

    Raises:
        StoreError: the store is not empty, or the backup is damaged, newer, or not one.
    """
    with _opened(path) as source:
        if source.revision not in migrations.revisions():
            raise StoreError(f"{path} was written by a newer slotforge (tables {source.revision}): upgrade slotforge")
        with open_store(where) as store:
            name = store.name
            with store.reading() as connection:
                _refuse_full(connection, name)
        url = locate(where)
        older = source.revision != schema.VERSION
        if older:
            migrations.downgrade(where, source.revision)  # of a store that holds nothing
        engine = connect(url, writing=True)
        try:
            with clear_errors(url), engine.begin() as connection:
                _refuse_full(connection, name)
                rows = _fill(connection, source, path)
                _let_go(connection)
        finally:
            engine.dispose()
            if older:
                migrations.upgrade(where)
    return Restored(store=name, file=str(path), revision=source.revision, rows=rows)


@contextmanager
def _opened(path: Path) -> Iterator[Source]:
    """Tell the kinds of backups apart by how their files begin."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(SQLITE))
    except OSError as error:
        raise StoreError(f"cannot read {path} ({error.strerror}): check its name and your rights") from error
    if begin != SQLITE:
        yield dump.Dump(path)
        return
    engine = connect(locate(path, new=False), writing=False)
    try:
        with clear_errors(engine.url), engine.connect() as connection:
            yield _Sqlite(connection, path)
    finally:
        engine.dispose()


class _Sqlite:
    """A SQLite store in the place of a dump."""

    def __init__(self, connection: Connection, path: Path) -> None:
        if not inspect(connection).has_table(migrations.TABLE):
            raise StoreError(f"{path} is no backup of a store: give a file that `slotforge db backup` wrote")
        if damage := next(damages(connection), None):
            raise StoreError(f"{path} is damaged or cut off ({damage}): take another backup")
        self._connection = connection
        self.revision = str(connection.scalar(text(f"SELECT version_num FROM {migrations.TABLE}")))

    def parts(self) -> Iterator[dump.Part]:
        """Read all tables."""
        with clear_errors(self._connection.engine.url):
            yield from dump.parts(self._connection)


def _refuse_full(connection: Connection, name: str) -> None:
    for table in inspect(connection).get_table_names():
        held = connection.execute(text(f'SELECT 1 FROM "{table}" LIMIT 1')).first()
        if table != migrations.TABLE and held is not None:
            raise StoreError(f"the store {name} is not empty: restore into a new one with --store")


def _fill(connection: Connection, source: Source, path: Path) -> Mapping[str, int]:
    """Write all rows, count them again, and check that contents have their names."""
    tables = {table.name: table for table in dump.tables(connection)}
    counts = dict.fromkeys(tables, 0)
    for part in source.parts():
        statement = insert(tables[part.table])
        while batch := [dict(zip(part.columns, row, strict=True)) for row in islice(part.rows, dump.BATCH)]:
            connection.execute(statement, batch)
            counts[part.table] += len(batch)
    for name, table in tables.items():
        if connection.scalar(select(func.count()).select_from(table)) != counts[name]:
            raise StoreError(f"{path} could not be restored: the rows of {name} are not all there")
    with closing(contents(connection)) as problems:
        for problem in problems:
            raise StoreError(f"{path} is damaged ({problem}): take another backup")
    if connection.dialect.name == "postgresql":
        _count_on(connection, tables.values())
    return counts


def _count_on(connection: Connection, tables: Iterable[Table]) -> None:
    """Let numbers that the database gives out go on after those that are taken."""
    for table in tables:
        sequence = connection.scalar(func.pg_get_serial_sequence(table.name, "id")) if "id" in table.c else None
        if sequence is not None:
            highest = select(func.max(table.c.id)).scalar_subquery()
            connection.execute(select(func.setval(sequence, highest)).where(highest.is_not(None)))


def _let_go(connection: Connection) -> None:
    """Forget who drives runs: they drive those of the store that the backup is of."""
    connection.execute(text("UPDATE run SET driver = NULL"))
