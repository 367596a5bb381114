"""Reading: one snapshot for all that a thread reads at once, and few threads that read at once."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import select, text

from slotforge.lineage.schema import Run
from slotforge.lineage.store import READERS, SqlStore, open_store
from slotforge.testing.store_suite import CONFIG, SUITE

PATIENCE_S = 60


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
