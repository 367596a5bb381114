"""Copying a store into one file while others write to it."""

from __future__ import annotations

import glob
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from slotforge.core.errors import StoreError
from slotforge.core.types import Record
from slotforge.lineage import dump, migrations
from slotforge.lineage.engine import BUSY_MS
from slotforge.lineage.schema import VERSION
from slotforge.lineage.store import SqlStore

OWNER_ALONE = 0o600  # a store holds prompts, answers and digests of keys


class Backup(Record):
    """What was copied: bytes of the file, and the rows of each table."""

    store: str
    file: str
    revision: str
    size: int
    rows: Mapping[str, int]


def backup(store: SqlStore, path: Path) -> Backup:
    """Copy a store as it is at one moment; searches may write meanwhile.

    The copy of a SQLite store is one itself; that of another is a portable dump. `restore` takes both, into either.

    Raises:
        StoreError: the file is there already, or cannot be written; nothing is left of it then.
    """
    store.flush()
    write = _copy_sqlite if store.url.get_backend_name() == "sqlite" else _dump
    with _arriving(path) as partial:
        rows = write(store, partial)
    return Backup(store=store.name, file=str(path), revision=VERSION, size=path.stat().st_size, rows=rows)


def _copy_sqlite(store: SqlStore, path: Path) -> Mapping[str, int]:
    source = sqlite3.connect(store.name, timeout=BUSY_MS / 1000)
    target = sqlite3.connect(path)
    try:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        names = [name for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        ours = [name for name in names if name != migrations.TABLE and not name.startswith("sqlite_")]
        return {name: target.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in sorted(ours)}
    finally:
        target.close()
        source.close()


def _dump(store: SqlStore, path: Path) -> Mapping[str, int]:
    with store.reading() as connection, path.open("wb") as file:
        return dump.write(connection, VERSION, file)


@contextmanager
def _arriving(path: Path) -> Iterator[Path]:
    """Give a name beside a file that takes its place when it is whole and safe, and is removed otherwise."""
    if path.exists():
        raise StoreError(f"{path} is there already: choose another name")
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ALONE))
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))  # never over a file that came meanwhile
        os.replace(partial, path)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"cannot write {path} ({why}): choose a place with room where you may write") from error
    finally:
        for leftover in path.parent.glob(f"{glob.escape(partial.name)}*"):  # SQLite's own files as well
            leftover.unlink()
