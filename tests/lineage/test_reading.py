"""Reading: one snapshot for all that a thread reads at once, and few threads that read at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, select, text
from sqlalchemy.pool import Pool

from slotforge.core.types import RunConfig
from slotforge.lineage import known, rows
from slotforge.lineage.best import best
from slotforge.lineage.schema import Run
from slotforge.lineage.store import READERS, SqlStore, open_store
from slotforge.testing.store_samples import CONFIG, SUITE, sample_trial

PATIENCE_S = 60
DRIVER_ERRORS = (sqlite3.ProgrammingError, psycopg.OperationalError)


def _runs(store: SqlStore) -> int:
    with store.reading() as connection:
        return len(connection.scalars(select(Run.id)).all())


def _elsewhere(store: SqlStore) -> int:
    """Count the runs in another thread."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(_runs(store)))
    thread.start()
    thread.join(PATIENCE_S)
    return found[0]


def test_what_is_read_within_a_snapshot_is_of_that_snapshot_and_of_its_thread_alone(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        with store.reading() as outer:
            assert _runs(store) == 0
            store.create_run(CONFIG, SUITE, {})
            with store.reading() as inner:
                assert inner is outer
            assert (_runs(store), _elsewhere(store)) == (0, 1)
        assert _runs(store) == 1


def test_what_is_read_while_its_store_is_closed_leaves_no_connection_open(where: str) -> None:
    with open_store(where) as store, store.reading() as connection:
        driver: Any = connection.connection.driver_connection
        store.close()
        connection.execute(text("SELECT 1"))
    with pytest.raises(DRIVER_ERRORS, match="closed"):
        driver.execute("SELECT 1")


def test_a_snapshot_ends_with_an_error_as_well(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        for _ in range(READERS["sqlite"] + 1):
            try:
                with store.reading() as connection:
                    connection.execute(text("SELECT 1"))
                    raise KeyError
            except KeyError:
                pass
        assert _elsewhere(store) == 0


def test_no_more_threads_read_sqlite_at_once_than_may(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        inside, most, lock, all_in = 0, 0, threading.Lock(), threading.Semaphore(0)

        def read() -> None:
            nonlocal inside, most
            with store.reading():
                with lock:
                    inside += 1
                    most = max(most, inside)
                all_in.release()
                out.wait(PATIENCE_S)
                with lock:
                    inside -= 1

        out = threading.Event()
        threads = [threading.Thread(target=read) for _ in range(READERS["sqlite"] + 3)]
        for thread in threads:
            thread.start()
        for _ in range(READERS["sqlite"]):
            assert all_in.acquire(timeout=PATIENCE_S)
        assert not all_in.acquire(timeout=0.1)
        out.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert most == READERS["sqlite"]


@contextmanager
def listened() -> Iterator[list[str]]:
    """Hear what databases are asked: SQLite tells itself, also of what goes to its driver."""
    asked: list[str] = []

    def hear(connection: Connection, _: object, statement: str, *__: object) -> None:
        if connection.dialect.name != "sqlite":
            asked.append(statement)

    def trace(driver: Any, *_: object) -> None:
        if isinstance(driver, sqlite3.Connection):
            driver.set_trace_callback(asked.append)

    heard = (Engine, "before_cursor_execute", hear), (Pool, "checkout", trace)
    for what in heard:
        event.listen(*what)
    try:
        yield asked
    finally:
        for what in heard:
            event.remove(*what)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_candidates_of_a_domain_are_read_with_their_sources_in_one_query(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = request.getfixturevalue("postgres") if kind == "postgres" else tmp_path / "store.db"
    monkeypatch.setattr(rows, "known", known.Known())
    with open_store(where) as store:
        run = store.create_run(RunConfig(domain="sat", instances=()), SUITE, {})
        made = [sample_trial(run, number) for number in range(1, 4)]
        for trial in made:
            store.record(trial)
        store.flush()
        with listened() as asked:
            found = best(store, "sat")
    assert {one.candidate: one.slots for one in found} == {
        trial.candidate.id: trial.candidate.slots for trial in made if trial.candidate
    }
    (of_sources,) = (one for one in asked if "FROM source" in one or "JOIN source" in one)
    if kind == "postgres":  # of a join or a list from within the query it would read one row after the other
        assert "JOIN" not in of_sources
        assert "SELECT" not in of_sources.removeprefix("SELECT")
        assert any("force_custom_plan" in one for one in asked)
    assert not any("FROM candidate " in one for one in asked), "the domain is known"


def test_postgresql_reads_ahead_as_far_as_nobody_has_told_it_to(postgres: str) -> None:
    asked = text("SELECT setting, boot_val FROM pg_settings WHERE name = 'effective_io_concurrency'")
    with open_store(postgres) as store, store.reading() as connection:
        setting, usual = connection.execute(asked).one()
        assert setting == ("32" if usual == "1" else usual)
