"""A backup is the store at one moment, whatever else goes on, and a restored store is that one again."""

from __future__ import annotations

import errno
import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from slotforge.core.errors import StoreError
from slotforge.core.types import Trial
from slotforge.lineage import backup as backups
from slotforge.lineage import dump, migrations, schema
from slotforge.lineage.backup import backup
from slotforge.lineage.engine import connect, locate
from slotforge.lineage.restore import restore
from slotforge.lineage.store import SqlStore, open_store
from slotforge.lineage.vacuum import vacuum
from slotforge.testing.store_samples import (
    CONFIG,
    SUITE,
    SUITES,
    TRIALS,
    anything,
    held,
    sample_call,
    sample_pairs,
    sample_trial,
    sample_verdict,
)

KINDS = ("sqlite", "postgres")


def rows(where: object) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything that a store holds, but who drives its runs."""
    engine = connect(locate(str(where), new=False), writing=False)
    with engine.connect() as connection:
        found: dict[str, list[tuple[Any, ...]]] = {}
        for part in dump.parts(connection):
            kept = [place for place, name in enumerate(part.columns) if (part.table, name) != ("run", "driver")]
            found[part.table] = sorted((tuple(row[place] for place in kept) for row in part.rows), key=repr)
    engine.dispose()
    return found


def fill(store: SqlStore, trials: int = 5) -> str:
    """Keep a finished run with a verdict, an export, a call of a trial that never came, and a job beside it."""
    run = store.create_run(CONFIG, SUITE, {"compiler": "g++ 12"})
    session = store.open_session(run)
    for number in range(trials):
        trial = sample_trial(run, number)
        store.record(trial.model_copy(update={"selection": trial.measurements}))
    store.record_call(run, trials, sample_call(trials))
    best = sample_trial(run, 1).candidate
    assert best is not None
    told = held(best, sample_verdict(0.8), pairs=sample_pairs(best), environment={"a": "b\x00\ud800"})
    store.record_artefact(best, "cpp", Path("/out.hpp"))
    store.finish(run, "finished", {"best": {"candidate": best.id}, "x": float("inf")}, why="done", verdicts=[told])
    assert session == 1
    with store.writing() as connection:
        key = "INSERT INTO api_key (name, digest, scopes, created, revoked) VALUES ('ann', 'd', '[]', 1.5, :revoked)"
        connection.execute(text(key), {"revoked": True})
        connection.execute(
            text("INSERT INTO blob (id, name, owner, size, facts, at) VALUES ('b', 'n', 'o', 2, '{}', 1)")
        )
        part = "INSERT INTO blob_part (blob, position, data) VALUES ('b', 0, :data)"
        connection.execute(text(part), {"data": b"\x00\xff"})
    return run


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the file of a store that holds nothing yet: quicker than making the tables each time."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    open_store(path).close()
    return path.read_bytes()


@pytest.fixture
def other_postgres(postgres_server: str) -> Iterator[str]:
    """Return the URL of another empty database."""
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS other WITH (FORCE)")
        connection.execute("CREATE DATABASE other")
    yield postgres_server.replace("/postgres?", "/other?")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS other WITH (FORCE)")


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, tmp_path: Path, empty: bytes) -> str:
    (tmp_path / "source.db").write_bytes(empty)
    return request.getfixturevalue("postgres") if request.param == "postgres" else str(tmp_path / "source.db")


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return request.getfixturevalue("other_postgres") if request.param == "postgres" else str(tmp_path / "target.db")


def test_a_store_moves_between_databases_with_all_that_it_holds(source: str, target: str, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    with open_store(source) as store:
        run = fill(store)
        made = backup(store, file)
        assert made.rows == {name: len(found) for name, found in rows(source).items()}
        assert made.size == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    assert restore(file, target).rows == made.rows
    assert rows(target) == rows(source)
    with open_store(source) as old, open_store(target) as new:
        assert new.trials(run) == old.trials(run)
        assert new.verdicts(run) == old.verdicts(run)
        new.record_event(run, "more", {})  # numbers that the database gives out go on
        new.record_verdict(None, old.verdicts(run)[0])


@settings(anything, max_examples=8)
@given(trials=st.lists(TRIALS, max_size=3, unique_by=lambda trial: trial.number), suite=SUITES)
def test_a_restored_store_is_the_one_that_was_backed_up(
    trials: list[Trial], suite: Any, empty: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of both forms of a backup, whatever the texts and figures are."""
    folder = tmp_path_factory.mktemp("any")
    for name in ("a.db", "copy.db", "rows.db"):
        (folder / name).write_bytes(empty)
    with open_store(folder / "a.db") as store:
        run = store.create_run(CONFIG, suite, {})
        for trial in trials:
            store.record(trial.model_copy(update={"run": run}))
        backup(store, folder / "copy")
        with store.reading() as connection, (folder / "rows").open("wb") as file:
            dump.write(connection, schema.VERSION, file)
    for form in ("copy", "rows"):
        restore(folder / form, folder / f"{form}.db")
        assert rows(folder / f"{form}.db") == rows(folder / "a.db")


def test_nobody_drives_the_runs_of_a_restored_store(source: str, target: str, tmp_path: Path) -> None:
    with open_store(source) as store:
        run = store.create_run(CONFIG, SUITE, {})
        backup(store, tmp_path / "backup")
        assert store.run(run).state == "running"
    restore(tmp_path / "backup", target)
    with open_store(target) as store:
        assert store.run(run).state == "interrupted"
        store.lock_run(run)


def test_a_backup_while_a_search_writes_holds_whole_trials_without_gaps(
    source: str, tmp_path: Path, empty: bytes
) -> None:
    stop = threading.Event()
    with open_store(source) as writing, open_store(source) as store:
        run = writing.create_run(CONFIG, SUITE, {})

        def record() -> None:
            number = 0
            while not stop.is_set() and number < 2_000:
                writing.record(sample_trial(run, number))
                number += 1

        thread = threading.Thread(target=record)
        thread.start()
        try:
            files = [tmp_path / f"backup{i}" for i in range(2)]
            for file in files:
                backup(store, file)
        finally:
            stop.set()
            thread.join()
    for place, file in enumerate(files):
        (tmp_path / f"{place}.db").write_bytes(empty)
        restore(file, tmp_path / f"{place}.db")
        with open_store(tmp_path / f"{place}.db") as restored:
            found = restored.trials(run)
        assert found == {number: sample_trial(run, number) for number in range(len(found))}


def test_a_store_that_is_not_empty_is_left_alone(source: str, tmp_path: Path) -> None:
    with open_store(source) as store:
        fill(store)
        backup(store, tmp_path / "backup")
    before = rows(source)
    with pytest.raises(StoreError, match="is not empty: restore into a new one with --store"):
        restore(tmp_path / "backup", source)
    assert rows(source) == before


def test_a_file_that_is_there_is_never_written_over(source: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with open_store(source) as store, pytest.raises(StoreError, match="is there already: choose another name"):
        backup(store, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_file_that_comes_meanwhile_is_never_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, path = backups._copy_sqlite, tmp_path / "b.db"

    def copied(store: SqlStore, to: Path) -> Mapping[str, int]:
        path.write_text("of another")
        return copy(store, to)

    monkeypatch.setattr(backups, "_copy_sqlite", copied)
    with open_store(tmp_path / "a.db") as store, pytest.raises(StoreError, match="cannot write"):
        backup(store, path)
    assert path.read_text() == "of another"
    assert [file.name for file in tmp_path.glob(".b*")] == []


def test_a_backup_goes_where_files_have_one_name_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")  # as on a stick or a share

    monkeypatch.setattr(os, "link", refuse)
    with open_store(tmp_path / "a.db") as store:
        made = backup(store, tmp_path / "b.db")
    assert Path(made.file).stat().st_size == made.size > 0


def test_a_backup_counts_the_rows_that_are_restored_also_after_a_vacuum(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        fill(store)
        vacuum(store)
        made = backup(store, tmp_path / "backup")
    assert made.rows == restore(tmp_path / "backup", tmp_path / "target.db").rows


@pytest.mark.parametrize("name", ["[1]", "*", "?"])
def test_nothing_is_left_beside_a_backup_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    (tmp_path / f".x.{os.getpid()}").write_text("precious")
    with open_store(tmp_path / "store.db") as store:
        backup(store, tmp_path / name)
    left = {path.name for path in tmp_path.iterdir() if not path.name.startswith("store.db")}
    assert left == {name, f".x.{os.getpid()}"}


@pytest.mark.parametrize("harm", ["cut", "flipped", "short"])
def test_a_damaged_backup_is_refused_and_the_store_stays_empty(harm: str, source: str, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    file = tmp_path / "backup"
    with open_store(source) as store:
        fill(store, trials=40)
        backup(store, file)
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    if harm == "flipped":
        for place in range(middle, len(content) - 100, 16):
            content[place] ^= 0xFF
    page = 4 if source.startswith("postgresql") else 4096
    file.write_bytes({"cut": content[: middle + 100], "flipped": content, "short": content[:-page]}[harm])
    with pytest.raises(StoreError, match=r"damaged|no backup of a store") as told:
        restore(file, target)
    assert "\n" not in str(told.value)
    assert file.name in str(told.value)
    assert not target.exists() or not any(rows(target).values())


def read(path: Path) -> list[Any]:
    return [(part.table, part.columns, part.binary, list(part.rows)) for part in dump.Dump(path).parts()]


def test_a_header_without_a_revision_is_damage(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "rows", "wt") as file:
        file.write(json.dumps({"kind": dump.KIND, "format": dump.FORMAT}) + "\n")
    with pytest.raises(StoreError, match="damaged"):
        read(tmp_path / "rows")


@pytest.mark.parametrize("line", [{"table": "run"}, {"table": "run", "columns": ["id"], "binary": ["x"]}, {"table": 1}])
def test_a_table_that_is_not_told_in_full_is_damage(line: dict[str, object], tmp_path: Path) -> None:
    with gzip.open(tmp_path / "rows", "wt") as file:
        for part in ({"kind": dump.KIND, "format": dump.FORMAT, "revision": "0001"}, line):
            file.write(json.dumps(part) + "\n")
    with pytest.raises(StoreError, match="damaged"):
        read(tmp_path / "rows")


def test_no_bit_of_a_dump_can_change_a_row_unseen(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as store:
        store.create_run(CONFIG, SUITE, {})
        with store.reading() as connection, (tmp_path / "rows").open("wb") as file:
            dump.write(connection, schema.VERSION, file)
    whole = (tmp_path / "rows").read_bytes()
    rows, harmless = read(tmp_path / "rows"), 0
    for bit in [*range(80, 8 * len(whole), 101), *range(8 * len(whole) - 72, 8 * len(whole))]:
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        (tmp_path / "rows").write_bytes(content)
        with suppress(StoreError):
            assert read(tmp_path / "rows") == rows
            harmless += 1  # the compressed form has bits that mean nothing, such as those that fill its last byte
    assert harmless < 20


def test_a_backup_of_an_older_version_is_restored_into_the_tables_of_today(target: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as store:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 0))
    migrations.downgrade(tmp_path / "a.db", "0002")
    engine = connect(locate(tmp_path / "a.db"), writing=False)
    with engine.connect() as connection, (tmp_path / "rows").open("wb") as file:
        dump.write(connection, "0002", file)
    engine.dispose()
    assert restore(tmp_path / "rows", target).revision == "0002"
    with open_store(target) as store:
        assert store.trials(run) == {0: sample_trial(run, 0)}


def test_a_backup_of_a_newer_version_says_what_to_do(tmp_path: Path) -> None:
    file = (tmp_path / "rows").open("wb")
    with open_store(tmp_path / "a.db") as store, store.reading() as connection, file:
        dump.write(connection, "9999", file)
    with pytest.raises(StoreError, match=r"newer slotforge \(tables 9999\): upgrade slotforge"):
        restore(tmp_path / "rows", tmp_path / "b.db")


@pytest.mark.parametrize("content", [b"", b"plain text", b"\x1f\x8bxx", b"SQLite format 3\x00" + b"\x00" * 100])
def test_what_is_no_backup_is_refused(content: bytes, tmp_path: Path, empty: bytes) -> None:
    (tmp_path / "b.db").write_bytes(empty)
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|no backup of a store|is no database"):
        restore(tmp_path / "file", tmp_path / "b.db")


def test_a_content_under_another_name_is_not_restored(target: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as store:
        fill(store)
        with store.writing() as connection:
            connection.execute(text("UPDATE source SET text = (SELECT messages FROM prompt LIMIT 1)"))
        backup(store, tmp_path / "copy")
    with pytest.raises(StoreError, match=r"is damaged \(source .*: its content is another's or damaged\)"):
        restore(tmp_path / "copy", target)
    assert not any(rows(target).values())


FULL = """
import resource, signal, sys
from pathlib import Path
from slotforge.core.errors import StoreError
from slotforge.lineage.backup import backup
from slotforge.lineage.restore import restore
from slotforge.lineage.store import open_store
what, source, file, most = sys.argv[1:]
store = open_store(source, new=False) if what == "backup" else None
resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), resource.RLIM_INFINITY))
try:
    backup(store, Path(file)) if store else restore(Path(file), source)
except StoreError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
if store:
    store.close()
"""


def short_of_room(what: str, source: object, file: Path, most: int) -> str:
    """Run in a process whose files may not grow beyond a size, and return what it said."""
    command = [sys.executable, "-c", FULL, what, str(source), str(file), str(most)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    return line


def test_a_disk_that_is_full_leaves_no_half_of_a_backup(source: str, tmp_path: Path) -> None:
    with open_store(source) as store:
        fill(store, trials=100)
    (tmp_path / "out").mkdir()
    said = short_of_room("backup", source, tmp_path / "out" / "backup", 4096)
    assert said.startswith(f"cannot write {tmp_path / 'out' / 'backup'} (")
    assert list((tmp_path / "out").iterdir()) == []
    assert len(rows(source)["trial"]) == 100


def test_a_disk_that_is_full_leaves_an_empty_store_and_the_backup(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as store:
        fill(store, trials=150)
        backup(store, tmp_path / "copy")
    open_store(tmp_path / "b.db").close()
    said = short_of_room("restore", tmp_path / "b.db", tmp_path / "copy", 40_000)
    assert said.startswith(f"the store {tmp_path / 'b.db'} ")
    assert not any(rows(tmp_path / "b.db").values())
    restore(tmp_path / "copy", tmp_path / "b.db")
    assert rows(tmp_path / "b.db") == rows(tmp_path / "a.db")


def test_a_backup_into_a_folder_that_is_not_there_says_so(source: str, tmp_path: Path) -> None:
    with open_store(source) as store, pytest.raises(StoreError, match=r"cannot write .*: choose a place with room"):
        backup(store, tmp_path / "none" / "backup")
