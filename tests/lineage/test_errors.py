"""What can go wrong with a database is said in one line that says what to do, and never with a password."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event

from slotforge.core.errors import StoreError, Unavailable
from slotforge.core.home import home
from slotforge.lineage import engine
from slotforge.lineage.store import SqlStore, open_store
from slotforge.testing.store_samples import CONFIG, SUITE, sample_trial


def complaint(where: str | Path) -> str:
    with pytest.raises(StoreError) as caught:
        open_store(where)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, just text that is long enough to be read as a header\n" * 20)
    assert complaint(path) == f"the store {path} is no database: choose another file with --store"
    assert path.read_text().startswith("not a database")


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    open_store(path).close()
    assert path.stat().st_size > 0


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    assert f"{tmp_path} is a folder" in complaint(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    assert "check that its folder exists and that you may write there" in complaint("/proc/slotforge.db")
    (tmp_path / "file").touch()
    assert f"cannot make the folder {tmp_path / 'file'}" in complaint(tmp_path / "file" / "store.db")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://me:hunter2@host/db", "no store on mysql"),
        ("sqlite://", "a store in memory would be lost"),
        ("://", "cannot be read"),
        ("postgresql://me:hunter2@host:port/db", "cannot be read"),
    ],
)
def test_a_url_that_is_no_store_is_refused_without_its_password(url: str, says: str) -> None:
    text = complaint(url)
    assert says in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@127.0.0.1:1/db", "postgresql://127.0.0.1:1/db?password=hunter2"]
)
def test_a_server_that_does_not_answer_is_named_without_its_password(url: str) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    text = complaint(url)
    with pytest.raises(Unavailable):
        open_store(url)
    assert "127.0.0.1:1" in text
    assert "does not answer" in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("statement", "passes"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", True),
        ("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$", True),
        ("DO $$ BEGIN RAISE EXCEPTION 'starting up' USING ERRCODE = '57P03'; END $$", True),
        ("SELECT 1 FROM nowhere", False),
        ("SELECT 1 / 0", False),
        ("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$", False),
    ],
)
def test_only_what_another_attempt_may_not_meet_counts_as_unavailable(
    statement: str, passes: bool, postgres: str
) -> None:
    with open_store(postgres) as store, pytest.raises(StoreError) as caught, store.writing() as connection:
        connection.exec_driver_sql(statement)
    assert isinstance(caught.value, Unavailable) == passes


def test_an_error_of_sqlite_is_not_taken_for_a_busy_store(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store, pytest.raises(StoreError) as caught, store.writing() as connection:
        connection.exec_driver_sql("SELECT 1 FROM nowhere")
    assert not isinstance(caught.value, Unavailable)


def test_a_database_that_is_not_there_is_not_waited_for(postgres: str) -> None:
    with pytest.raises(StoreError, match="does not exist") as caught:
        open_store(f"{postgres.partition('?')[0].rpartition('/')[0]}/nowhere?{postgres.partition('?')[2]}")
    assert not isinstance(caught.value, Unavailable)


def test_a_locked_store_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_MS", 50)
    path = tmp_path / "store.db"
    other = sqlite3.connect(path, isolation_level=None)
    with open_store(path) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked by another program: close it"):
            store.create_run(CONFIG, SUITE, {})
        other.execute("ROLLBACK")
        store.create_run(CONFIG, SUITE, {})
    other.close()


def test_a_full_disk_surfaces_at_the_next_call_and_keeps_what_was_safe(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = open_store(path)
    run = store.create_run(CONFIG, SUITE, {})
    store.record(sample_trial(run, 0))
    store.flush()
    fill(store)
    with pytest.raises(StoreError, match="disk is full: make room"):
        record_until_refused(store, run)
    with pytest.raises(StoreError, match="disk is full"):
        store.record(sample_trial(run, 3000))
    store.close()
    with open_store(path) as again:
        found = again.trials(run)
        assert list(found) == list(range(len(found)))
        assert 1 <= len(found) < 3000


def record_until_refused(store: SqlStore, run: str) -> None:
    for number in range(1, 3000):
        store.record(sample_trial(run, number))
        if number % 500 == 0:
            store.flush()


def fill(store: SqlStore) -> None:
    """Let the file grow by some pages only, as on a full disk."""
    store._engine.dispose()

    @event.listens_for(store._engine, "connect")
    def limit(connection: sqlite3.Connection, _: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 60}")


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db")
    run = store.create_run(CONFIG, SUITE, {})
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.record(sample_trial(run, 0))


def test_the_users_own_store_is_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "deep" / "home"))
    with open_store() as store:
        assert store.name == str(tmp_path / "deep" / "home" / "slotforge.db")
    monkeypatch.delenv("SLOTFORGE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".slotforge"
    (tmp_path / "blocked").touch()
    monkeypatch.setenv("SLOTFORGE_HOME", str(tmp_path / "blocked"))
    with pytest.raises(StoreError, match="set SLOTFORGE_HOME"):
        home()
