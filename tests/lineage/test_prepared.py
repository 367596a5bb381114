"""What is asked of the driver is answered as SQLAlchemy answers it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Integer, bindparam, literal, select, text, type_coerce, union_all

from slotforge.lineage.columns import Exact, Json, Packed
from slotforge.lineage.engine import connect, locate
from slotforge.lineage.prepared import Prepared, prepared
from slotforge.lineage.schema import Candidate
from slotforge.lineage.store import SqlStore, open_store
from slotforge.testing.store_samples import CONFIG, SUITE

VALUES = ["plain", "", "\x00zero", "\ud800 alone", "\u00e9", None]
ALONE = {"nan": [1.5, -0.0, float("inf")], "text": "\ud800", "deep": [[[[]]]]}


def both(store: SqlStore, query: Any, **values: Any) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        ready = Prepared(query)
        theirs = [tuple(row) for row in connection.execute(query, values)]
        assert [tuple(row) for row in ready.rows(connection, **values)] == theirs
        named = [dict(row) for row in connection.execute(query, values).mappings()]
        assert ready.mappings(connection, **values) == named
        assert ready.scalars(connection, **values) == [row[0] for row in theirs]
        assert ready.scalar(connection, **values) == (theirs[0][0] if theirs else None)
    return theirs


@pytest.mark.parametrize("value", VALUES)
def test_values_come_back_as_they_went(store: SqlStore, value: str | None) -> None:
    query = select(
        type_coerce(bindparam("own", type_=Exact()), Exact()).label("own"),
        type_coerce(literal("\x00", Exact()), Exact()).label("always"),
        (literal(2) > 1).label("true"),
    )
    assert both(store, query, own=value) == [(value, "\x00", True)]


def test_values_that_are_written_down_come_back(store: SqlStore) -> None:
    json, packed = bindparam("json", type_=Json()), bindparam("packed", type_=Packed())
    assert both(store, select(type_coerce(json, Json()), type_coerce(packed, Packed())), json=ALONE, packed="é") == [
        (ALONE, "é")
    ]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 64, 100])
def test_a_list_holds_as_many_values_as_it_has(store: SqlStore, length: int) -> None:
    parts = [select(literal(number).label("number")) for number in range(80)]
    numbers = union_all(*parts).subquery().c.number
    wanted = bindparam("wanted", type_=Integer(), expanding=True)
    query = select(numbers).where(numbers.in_(wanted), numbers.in_([*range(70)])).order_by(numbers)
    assert both(store, query, wanted=list(range(length))) == [(number,) for number in range(min(length, 70))]


def test_a_text_is_a_query_as_well(store: SqlStore) -> None:
    assert both(store, text("SELECT 1 AS one, :two AS two"), two="2") == [(1, "2")]


def test_a_form_is_written_once() -> None:
    asked = []

    @prepared
    def query(*words: str, newest: bool = False) -> Any:
        asked.append((words, newest))
        return select(literal(len(words)))

    assert query("a", newest=True) is query("a", newest=True) is not query("a")
    assert asked == [(("a",), True), (("a",), False)]


def test_rows_are_of_one_snapshot(tmp_path: Path) -> None:
    ids = Prepared(select(Candidate.id))
    with open_store(tmp_path / "store.db") as store:
        engine = connect(locate(tmp_path / "store.db"), writing=False)
        with engine.connect() as connection:
            before = ids.rows(connection)
            assert connection.in_transaction()
            run = store.create_run(CONFIG, SUITE, {})
            store.record_event(run, "noted", {})
            assert ids.rows(connection) == before
        engine.dispose()
