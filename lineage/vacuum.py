"""Giving room that a store no longer needs back to the disk."""

from __future__ import annotations

import os
import sqlite3

from sqlalchemy import func, select, text

from slotforge.core.errors import Conflict
from slotforge.core.types import Record
from slotforge.lineage import clock
from slotforge.lineage.engine import BUSY_MS, clear_errors, connect
from slotforge.lineage.jobs import RUNNING
from slotforge.lineage.schema import Run
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore


class Vacuumed(Record):
    """Bytes of a store before and after."""

    store: str
    before: int
    after: int


def vacuum(store: SqlStore, *, full: bool = False, anyway: bool = False) -> Vacuumed:
    """Let go of what was deleted, and let the database count what helps it to choose the quickest ways.

    A SQLite store is written anew, for which it needs as much room again, and nobody else may write to it meanwhile:
    of a large one that takes longer than jobs keep their leases, and than runs wait.

    Args:
        full: write one on a server anew as well; otherwise it keeps the room for new rows, and others go on.
        anyway: lock others out while they are at work.

    Raises:
        Conflict: others are at work, and would be locked out.
    """
    store.flush()
    sqlite = store.url.get_backend_name() == "sqlite"
    if (sqlite or full) and not anyway:
        _expect_rest(store)
    before = size(store)
    with clear_errors(store.url):
        if sqlite:
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


def _expect_rest(store: SqlStore) -> None:
    """Refuse where a server drives a job, or a process a run."""
    with store.reading() as connection:
        alive = (Job.state == RUNNING) & (Job.lease_until > clock.now(connection))
        found = set(connection.scalars(select(Job.id).where(alive)))
        driven = connection.execute(select(Run.id, Run.driver).where(Run.state == RUNNING))
        found.update(id_ for id_, driver in driven if store.state_of(RUNNING, driver) == RUNNING)
    if found:
        first, *others = sorted(found)
        who = f"{first} is at work" if not others else f"{first} and {len(others)} more are at work"
        raise Conflict(
            f"{who} on {store.name}, and could not write while it is written anew: wait for the end, stop the service "
            "(`systemctl stop slotforge`; its jobs go on afterwards), or let them fail with --anyway"
        )


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
