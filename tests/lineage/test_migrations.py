"""The migrations and the schema say the same, both ways, and a store of another age is recognised."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from slotforge.core.errors import StoreError
from slotforge.core.types import TrialState
from slotforge.lineage import migrations, schema
from slotforge.lineage.engine import locate
from slotforge.lineage.store import open_store
from slotforge.testing.store_samples import BASELINE, CONFIG, SUITE, held, sample_pairs, sample_trial, sample_verdict

from .full import fill_every_table, fill_run


def differences(where: str) -> list[Any]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = create_engine(locate(where))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.TABLE})
        found = compare_metadata(context, schema.Base.metadata)
    engine.dispose()
    return found


def tables(where: str) -> set[str]:
    engine = create_engine(locate(where))
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def columns(where: str, table: str) -> set[str]:
    engine = create_engine(locate(where))
    found = {column["name"] for column in inspect(engine).get_columns(table)}
    engine.dispose()
    return found


def test_the_migrations_make_the_schema(where: str) -> None:
    migrations.upgrade(where)
    assert differences(where) == []
    assert tables(where) == {*schema.Base.metadata.tables, migrations.TABLE}


def test_the_comparison_sees_a_difference(where: str) -> None:
    migrations.upgrade(where)
    engine = create_engine(locate(where))
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_trial_candidate"))
    engine.dispose()
    assert differences(where) != []


Rows = list[dict[str, Any]]


def holding(where: str) -> dict[str, Rows]:
    """Read all that a store holds, as the database has it."""
    engine = create_engine(locate(where))
    with engine.connect() as connection:
        names = sorted({*inspect(engine).get_table_names()} - {migrations.TABLE})
        rows = {name: connection.execute(text(f"SELECT * FROM {name}")).mappings().all() for name in names}
    engine.dispose()
    return {name: [dict(row) for row in found] for name, found in rows.items()}


def same(older: dict[str, Rows], newer: dict[str, Rows]) -> bool:
    """Whether every column of the older tables, none of which is empty, holds the same in the newer ones."""

    def sorted_rows(rows: Rows, columns: Iterable[str]) -> list[tuple[Any, ...]]:
        return sorted((tuple(row[name] for name in columns) for row in rows), key=repr)

    return all(sorted_rows(rows, rows[0]) == sorted_rows(newer[table], rows[0]) for table, rows in older.items())


def test_a_full_store_has_rows_in_every_table(where: str) -> None:
    """Whoever adds a table keeps something in it in `full.py`, so that migrations are tried with it."""
    with open_store(where) as store:
        fill_every_table(store)
    found = holding(where)
    assert set(found) == set(schema.Base.metadata.tables)
    assert [table for table, rows in found.items() if not rows] == []


@pytest.mark.parametrize("revision", migrations.revisions()[1:])
def test_down_and_up_again_leaves_what_older_tables_hold(where: str, revision: str) -> None:
    with open_store(where) as store:
        fill_every_table(store)
    before = holding(where)
    migrations.downgrade(where, revision)
    older = holding(where)
    assert older != before
    assert same(older, before)
    migrations.upgrade(where)
    assert differences(where) == []
    assert same(older, holding(where))
    with open_store(where) as store:
        fill_run(store)


def test_down_and_up_again_leaves_a_store_that_works(where: str) -> None:
    with open_store(where) as store:
        fill_every_table(store)
    migrations.downgrade(where)
    assert tables(where) == {migrations.TABLE}
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 0))
        assert list(store.trials(run)) == [0]
    assert differences(where) == []


def test_what_an_older_store_holds_is_still_there_after_the_upgrade(where: str) -> None:
    trial = sample_trial("", 1)
    assert trial.candidate is not None
    told = held(trial.candidate, sample_verdict(0.8), pairs=sample_pairs(trial.candidate), environment={"a": "b"})
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(trial.model_copy(update={"run": run, "selection": trial.measurements}))
        store.finish(run, "finished", {}, verdicts=[told])
    migrations.downgrade(where, "0001")
    migrations.upgrade(where)
    assert differences(where) == []
    with open_store(where) as store:
        assert store.verdicts(run) == (held(trial.candidate, told.verdict),)
        assert store.trials(run) == {1: trial.model_copy(update={"run": run, "state": TrialState.CONFIRMED})}
        store.record_verdict(run, held(BASELINE, told.verdict, pairs=told.pairs, environment=told.environment))
        assert store.verdicts(run)[1].environment == {"a": "b"}


def test_trials_of_an_older_store_say_nothing_of_their_race_and_their_compiler(where: str) -> None:
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        kept = {
            number: sample_trial(run, number, against=number - 1 or None, log={"decay": "said"}) for number in (0, 1, 2)
        }
        for trial in kept.values():
            store.record(trial)
    migrations.downgrade(where, "0006")
    assert "against" not in columns(where, "trial")
    assert "compile_log" not in tables(where)
    migrations.upgrade(where)
    with open_store(where) as store:
        assert store.trials(run) == {
            number: one.model_copy(update={"against": None, "log": {}}) for number, one in kept.items()
        }
        store.record(newer := sample_trial(run, 3, against=-2, log={"decay": "a < b"}))
        assert store.trials(run)[3] == newer


def test_which_verdicts_of_an_older_store_are_on_controls_is_told_by_their_trials(where: str) -> None:
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        for number, operator in enumerate(("baseline", "builtin luby", "tune the baseline", "mutate")):
            trial = sample_trial(run, number).model_copy(update={"operator": operator})
            store.record(trial)
            assert trial.candidate is not None
            store.record_verdict(run, held(trial.candidate, sample_verdict(1.0)))
    migrations.downgrade(where, "0009")
    assert "control" not in columns(where, "verdict")
    migrations.upgrade(where)
    with open_store(where) as store:
        assert [one.control for one in store.verdicts(run)] == [False, True, True, False]


def test_the_version_is_the_newest_migration() -> None:
    assert migrations.revisions()[0] == schema.VERSION


def test_a_store_of_a_newer_slotforge_is_left_alone(where: str) -> None:
    migrations.upgrade(where)
    engine = create_engine(locate(where))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {migrations.TABLE} SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match=r"newer slotforge \(tables 9999\): upgrade slotforge"):
        open_store(where)


def test_an_older_file_is_upgraded_and_an_older_server_says_how(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen from a version that has one migration more, this version's store is an older one."""
    open_store(where).close()
    upgraded: list[str] = []
    monkeypatch.setattr(migrations, "VERSION", "9999")
    monkeypatch.setattr(migrations, "_run", lambda _, *command: upgraded.append(command[0]))
    if where.startswith("postgresql"):
        with pytest.raises(StoreError, match="slotforge db upgrade"):
            open_store(where)
        assert upgraded == []
    else:
        open_store(where).close()
        assert upgraded == ["upgrade"]


def test_the_database_of_another_program_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmark (id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="tables of another program"):
        open_store(path)
    assert path.read_bytes() == before
