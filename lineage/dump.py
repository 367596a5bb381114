"""A store as one portable file: compressed lines of JSON, table by table, sealed with counts and a hash.

The first line is the header; then each table has a line that names it and its columns, and a line for each row; the
last line says how many rows there were, and the hash of all lines before it. Values are those of the database, bytes as
base64, so that either kind of database takes them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, LargeBinary, MetaData, Table, select

from slotforge.core.errors import StoreError
from slotforge.lineage.migrations import TABLE

KIND = "slotforge backup"
FORMAT = 1
LEVEL = 3  # of compression: most long texts are compressed already
BATCH = 1_000  # rows held at once


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one table; to be read before the next part is asked for. binary: columns that hold bytes."""

    table: str
    columns: tuple[str, ...]
    binary: frozenset[str]
    rows: Iterator[Sequence[Any]]


def tables(connection: Connection) -> Sequence[Table]:
    """Return the tables of a store as its database knows them, each after those that it points to."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != TABLE]


def parts(connection: Connection) -> Iterator[Part]:
    """Read all tables, in the order of their keys."""
    for table in tables(connection):
        query = select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
        with connection.execute(query) as found:
            binary = frozenset(column.name for column in table.columns if isinstance(column.type, LargeBinary))
            names = tuple(table.columns.keys())
            yield Part(table=table.name, columns=names, binary=binary, rows=map(tuple, found))


def write(connection: Connection, revision: str, file: IO[bytes]) -> Mapping[str, int]:
    """Write all tables; returns the number of rows of each."""
    counts: dict[str, int] = {}
    digest = hashlib.sha256()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=LEVEL, filename="", mtime=0) as packed:

        def line(value: Any) -> None:
            text = json.dumps(value, separators=(",", ":"), default=_bytes).encode() + b"\n"
            digest.update(text)
            packed.write(text)

        line({"kind": KIND, "format": FORMAT, "revision": revision})
        for part in parts(connection):
            line({"table": part.table, "columns": part.columns, "binary": sorted(part.binary)})
            counts[part.table] = 0
            for row in part.rows:
                line(row)
                counts[part.table] += 1
        line({"rows": counts, "sha256": digest.hexdigest()})
    return counts


def _bytes(value: Any) -> str:
    return b64encode(value).decode("ascii")


class Dump:
    """A file that `write` wrote.

    revision: of its tables.

    Raises:
        StoreError: the file cannot be read, is none of this kind, or, while it is read, is damaged or cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._digest = hashlib.sha256()
        self._lines = self._read()
        header = next(self._lines, None)
        if not isinstance(header, dict) or header.get("kind") != KIND:
            raise StoreError(f"{path} is no backup of a store: give a file that `slotforge db backup` wrote")
        if header.get("format") != FORMAT:
            raise StoreError(f"{path} was written by a newer slotforge: upgrade slotforge")
        if "revision" not in header:
            raise self._damaged()
        self.revision = str(header["revision"])

    def parts(self) -> Iterator[Part]:
        """Read the tables in the order in which they were written, and at the end check that nothing is missing."""
        counts: dict[str, int] = {}
        line = next(self._lines, None)
        while isinstance(line, dict) and "table" in line:
            table, columns, binary = self._table(line)
            places = [columns.index(name) for name in binary]
            counts[table] = 0
            rest: list[Any] = []
            yield Part(table=table, columns=columns, binary=binary, rows=self._rows(table, places, counts, rest))
            line = rest[0] if rest else None
        sealed = isinstance(line, dict) and line.get("rows") == counts and line.get("sha256") == self._sealed
        if not sealed or next(self._lines, None) is not None:
            raise self._damaged()

    def _table(self, line: dict[str, Any]) -> tuple[str, tuple[str, ...], frozenset[str]]:
        try:
            table, columns, binary = str(line["table"]), tuple(line["columns"]), frozenset(line["binary"])
        except (KeyError, TypeError):
            raise self._damaged() from None
        if not binary <= set(columns):
            raise self._damaged()
        return table, columns, binary

    def _rows(self, table: str, places: list[int], counts: dict[str, int], rest: list[Any]) -> Iterator[Sequence[Any]]:
        """Yield rows up to the first line that is none, which goes to `rest`."""
        for line in self._lines:
            if not isinstance(line, list):
                rest.append(line)
                return
            try:
                for place in places:
                    line[place] = None if line[place] is None else b64decode(line[place])
            except (IndexError, TypeError, ValueError):
                raise self._damaged() from None
            counts[table] += 1
            yield line

    def _read(self) -> Iterator[Any]:
        try:
            with gzip.open(self.path, "rb") as file:
                for text in file:
                    self._sealed = self._digest.hexdigest()
                    self._digest.update(text)
                    yield json.loads(text)
        except (EOFError, zlib.error, ValueError, gzip.BadGzipFile):
            raise self._damaged() from None
        except OSError as error:
            raise StoreError(f"cannot read {self.path} ({error.strerror}): check its name and your rights") from error

    def _damaged(self) -> StoreError:
        return StoreError(f"{self.path} is damaged or cut off: take another backup")
