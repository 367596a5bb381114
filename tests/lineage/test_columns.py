"""What a database does not take as text comes back as it was all the same."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, insert, select

from slotforge.lineage.columns import SHORT, Exact, Json, Packed, packed
from slotforge.lineage.engine import locate

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    ["\x00", "\ufdd0", "\ufdd00000", "\udcff"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)
TABLE = Table(
    "sample",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("exact", Exact),
    Column("packed", Packed),
    Column("json", Json),
)


@pytest.fixture
def engine(where: str) -> Iterator[Engine]:
    engine = create_engine(locate(where))
    TABLE.create(engine)
    yield engine
    engine.dispose()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ANY_TEXT | st.none(), json=JSON)
def test_any_text_and_any_json_come_back(engine: Engine, text: str | None, json: object) -> None:
    with engine.connect() as connection:
        connection.execute(insert(TABLE).values(exact=text, packed=text, json=json))
        assert connection.execute(select(TABLE.c.exact, TABLE.c.packed, TABLE.c.json)).one() == (text, text, json)
        connection.rollback()


@given(text=st.text(max_size=SHORT))
def test_a_short_text_is_in_the_format_of_zlib_and_takes_little_more_than_itself(text: str) -> None:
    data = text.encode()
    assert zlib.decompress(packed(text)) == data
    assert len(packed(text)) <= len(data) + 11


def test_a_long_text_takes_less_than_itself_and_what_is_packed_stays_so(engine: Engine) -> None:
    long = "as it was before; " * SHORT
    assert 10 * len(packed(long)) < len(long)
    with engine.connect() as connection:
        connection.execute(insert(TABLE).values(packed=packed(long)))
        assert connection.scalar(select(TABLE.c.packed)) == long
