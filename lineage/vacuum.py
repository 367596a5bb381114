"""Giving room that a store no longer needs back to the disk."""

from __future__ import annotations

import os
import sqlite3

from sqlalchemy import func, select, text

from slotforge.core.types import Record
from slotforge.lineage.engine import BUSY_MS, clear_errors, connect
from slotforge.lineage.store import SqlStore


class Vacuumed(Record):
    """Bytes of a store before and after."""

    store: str
    before: int
    after: int


def vacuum(store: SqlStore, *, full: bool = False) -> Vacuumed:
    """Let go of what was deleted, and let the database count what helps it to choose the quickest ways.

    A SQLite store is written anew, for which it needs as much room again, and nobody else may write to it meanwhile.

    Args:
        full: write one on a server anew as well; otherwise it keeps the room for new rows, and others go on.
    """
    store.flush()
    before = size(store)
    with clear_errors(store.url):
        if store.url.get_backend_name() == "sqlite":
            _sqlite(store)
        else:
            _server(store, "VACUUM (FULL, ANALYZE)" if full else "VACUUM (ANALYZE)")
    return Vacuumed(store=store.name, before=before, after=size(store))


def size(store: SqlStore) -> int:
    """Return the bytes that a store takes, of SQLite with its log."""
    if store.url.get_backend_name() == "sqlite":
        return sum(os.path.getsize(path) for path in (store.name, f"{store.name}-wal") if os.path.exists(path))
    with store.reading() as connection:
        return int(connection.scalar(select(func.pg_database_size(func.current_database()))) or 0)


def _sqlite(store: SqlStore) -> None:
    connection = sqlite3.connect(store.name, timeout=BUSY_MS / 1000, isolation_level=None)
    try:
        for statement in ("VACUUM", "ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"):
            connection.execute(statement).fetchall()
    finally:
        connection.close()


def _server(store: SqlStore, statement: str) -> None:
    engine = connect(store.url, writing=True)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
