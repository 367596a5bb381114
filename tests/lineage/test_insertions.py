"""Rows that go to SQLite's driver many at a time are those that SQLAlchemy writes one by one."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, create_engine, insert, select
from sqlalchemy.dialects import sqlite

from slotforge.core.errors import StoreError
from slotforge.core.types import Completion, Measurement, Record
from slotforge.lineage import rows, schema, summaries, summary_schema
from slotforge.lineage.columns import Exact, Json
from slotforge.lineage.prepared import TOGETHER, Insertion, Values
from slotforge.lineage.store import open_store
from slotforge.testing.store_samples import CONFIG, SUITE, sample_call, sample_trial

RUN = "0123456789"
LONGEST, *SHORTER = TOGETHER
MANY = sum(SHORTER) + SHORTER[0]  # trials of one transaction: all shorter lengths of an execution occur
WRITTEN = (
    *(schema.Prompt, schema.Source, schema.Candidate, schema.CandidateSlot, schema.Trial, schema.Completion),
    *(schema.Parent, schema.CompileLog, schema.Measurement, schema.Selection),
    *(summary_schema.SlotSet, summary_schema.Tally, summary_schema.RunTotal, summary_schema.OperatorShare),
    *(summary_schema.ModelShare, summary_schema.Step, summary_schema.Standing, summary_schema.FamilyStanding),
)


def by_sqlalchemy(insertion: Insertion, connection: Connection, found: Sequence[Values]) -> None:
    connection.execute(insertion._statement, found)


def recorded(path: Path) -> dict[str, list[Any]]:
    with open_store(path) as store:
        store.create_run(CONFIG, SUITE, {}, run=RUN)
        for number in range(MANY):
            for position in range(number % 4):
                store.record_call(RUN, number, sample_call(10 * number + position))
            trial = sample_trial(RUN, number, log={"decay": "warning"} if number % 3 else {})
            store.record(trial.model_copy(update={"selection": trial.measurements, "calls": _told(number)}))
        with store.reading() as connection:
            return {
                table.__tablename__: sorted(map(_rounded, connection.execute(select(table.__table__))), key=repr)
                for table in WRITTEN
            }


def _rounded(row: Iterable[Any]) -> tuple[Any, ...]:
    """Leave out what a sum owes to the transactions that its addends came in."""
    return tuple(round(value, 9) if isinstance(value, float) else value for value in row)


def _told(number: int) -> tuple[Any, ...]:
    """Exchanges of every fifth trial are handed in with it alone."""
    return (sample_call(number),) if number % 5 == 0 else ()


def test_both_ways_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = recorded(tmp_path / "quick.db")
    monkeypatch.setattr(Insertion, "write", by_sqlalchemy)
    assert recorded(tmp_path / "plain.db") == quick
    assert all(quick.values()), "a table was left empty, of which this shows nothing"


@pytest.mark.parametrize("odd", ["\x00a", "\ud800", "\ufdd0", "", None, "\u00e9"])
def test_executions_of_every_length_store_what_rows_one_by_one_do(odd: str | None) -> None:
    table = Table("told", MetaData(), Column("number", Integer), Column("text", Exact), Column("facts", Json))
    texts = [*["plain"] * (2 * LONGEST), odd, *["plain"] * sum(SHORTER)]
    kept = [{"number": number, "text": text, "facts": {"of": text}} for number, text in enumerate(texts)]
    stored = []
    for write in (Insertion.write, by_sqlalchemy):
        with create_engine("sqlite://").begin() as own:
            table.create(own)
            write(Insertion(insert(table)), own, kept)
            stored.append(own.exec_driver_sql("SELECT number, hex(text), facts FROM told ORDER BY number").all())
    assert stored[0] == stored[1]
    assert len(stored[0]) == len(kept)


@pytest.mark.parametrize("text", [0, False, b""])
def test_what_is_no_text_is_stored_in_no_text(text: Any) -> None:
    table = Table("told", MetaData(), Column("text", Exact))
    with create_engine("sqlite://").begin() as own:
        table.create(own)
        with pytest.raises((TypeError, AttributeError)):
            Insertion(insert(table)).write(own, [{"text": "plain"}, {"text": text}])


def test_exchanges_of_one_trial_keep_their_order(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        run = store.create_run(CONFIG, SUITE, {})
        asked = [(number, sample_call(number + 100 * turn)) for turn in range(5) for number in range(40)]
        for number, call in asked:
            store.record_call(run, number, call)
        store.record(sample_trial(run, 3))
        kept = store.all_calls(run)
    assert kept == {number: tuple(call for of, call in asked if of == number) for number in range(40)}


@pytest.mark.parametrize("made", [rows.insertions, summaries.insertions])
def test_values_of_a_row_stand_in_it_alone(made: Any) -> None:
    dialect = sqlite.dialect()
    for insertion in made("sqlite").values():
        statement = insertion._statement
        columns = [column.name for column in statement.table.columns]
        text = str(statement.compile(dialect=dialect, column_keys=columns))
        assert "?" not in text.partition(" ON CONFLICT ")[2], "what is done about conflicts would come with the rows"


def test_a_value_that_is_no_row_s_is_refused(tmp_path: Path) -> None:
    same = Insertion(insert(schema.Candidate).values(domain="the same for all"))
    with (
        open_store(tmp_path / "store.db") as store,
        store.writing() as own,
        pytest.raises(ValueError, match="not of its"),
    ):
        same.write(own, [{"id": "c"}])


@pytest.mark.parametrize("record", [Measurement, Completion])
def test_records_whose_fields_are_columns_keep_nothing_besides_fields(record: type[Record]) -> None:
    assert not [name for name in dir(record) if isinstance(inspect.getattr_static(record, name), cached_property)]


def test_rows_may_leave_out_what_others_have(tmp_path: Path) -> None:
    keep, made = Insertion(insert(schema.Artefact)), schema.Artefact
    kept = {"candidate": "c", "kind": "cpp", "at": 1.0}
    with open_store(tmp_path / "store.db") as store, store.writing() as own:
        own.execute(insert(schema.Candidate).values(id="c", domain="d"))
        keep.write(own, [{**kept, "path": "a"}])
        keep.write(own, [{"id": 7, **kept, "path": "b"}])
        assert own.execute(select(made.id, made.path)).all() == [(1, "a"), (7, "b")]


def test_what_the_database_refuses_is_an_error(tmp_path: Path) -> None:
    row = {"id": "twice", "domain": "d"}
    with open_store(tmp_path / "store.db") as store, pytest.raises(StoreError, match="UNIQUE"), store.writing() as own:
        Insertion(insert(schema.Candidate)).write(own, [row, row])
