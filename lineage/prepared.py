"""Statements that are executed often: written once, compiled once, and then handed to SQLite's driver as they are.

What SQLAlchemy does at each execution takes many times as long as SQLite does for a row that an index finds. Other
databases, where the way to the server takes longer than that, are asked through SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple, ParamSpec, cast

from sqlalchemy import Connection, Dialect, Executable, Insert, TextClause
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from slotforge.lineage.columns import escaped, undone

Words = ParamSpec("Words")
Values = Mapping[str, Any]
Lengths = tuple[tuple[str, int], ...]  # of the lists among the values of a query
TOGETHER = (256, 64, 16, 4, 1)  # rows of one execution


def prepared(write: Callable[Words, Executable]) -> Callable[Words, Prepared]:
    """Let a function that writes a query, given words that choose its form, return it ready to be asked."""

    @cache
    def ready(*words: Any, **named: Any) -> Prepared:
        return Prepared(write(*words, **named))

    return cast("Callable[Words, Prepared]", wraps(write)(ready))


class Prepared:
    """A query, asked with values by the names of its parameters; a list is one for an expanding parameter."""

    def __init__(self, query: Executable) -> None:
        self._query = query
        self._compiled: dict[Lengths, _Compiled] = {}

    def rows(self, connection: Connection, **values: Any) -> Sequence[Any]:
        """Return the rows as tuples."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._query, values).all()
        return self._ask(connection, values)[1]

    def mappings(self, connection: Connection, **values: Any) -> Sequence[dict[str, Any]]:
        """Return the rows by the names of their columns."""
        if connection.dialect.name != "sqlite":
            return [dict(row) for row in connection.execute(self._query, values).mappings()]
        names, rows = self._ask(connection, values)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def scalars(self, connection: Connection, **values: Any) -> list[Any]:
        """Return the first column."""
        return [row[0] for row in self.rows(connection, **values)]

    def scalar(self, connection: Connection, **values: Any) -> Any:
        """Return the first column of the first row; None where there is no row."""
        return next(iter(self.scalars(connection, **values)), None)

    def _ask(self, connection: Connection, values: Values) -> tuple[Sequence[str], Sequence[Any]]:
        if not connection.in_transaction():
            connection.begin()
        lists = {name: _padded(value) for name, value in values.items() if isinstance(value, list)}
        lengths = tuple((name, len(value)) for name, value in lists.items())
        compiled = self._compiled.get(lengths)
        if compiled is None:
            compiled = self._compiled[lengths] = _Compiled(self._query, connection.dialect, values, dict(lengths))
        driver: Any = connection.connection.driver_connection
        cursor = driver.execute(compiled.text, compiled.bound({**values, **lists}))
        return [name for name, *_ in cursor.description], compiled.read(cursor.fetchall())


def insert_into(dialect: str, table: Any) -> Any:
    """Begin an insertion in the form of a database, which can say what is done about conflicts."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)


class Insertion:
    """A statement that inserts rows with the same columns each, none of which it reads itself.

    SQLite's driver gives Python's lock away and takes it again at each execution: so one execution takes many rows.
    """

    def __init__(self, statement: Insert) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, ...], _Compiled] = {}

    def write(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Insert rows in their order; at least one."""
        if connection.dialect.name != "sqlite":
            connection.execute(self._statement, rows)
            return
        columns = tuple(rows[0])
        compiled = self._compiled.get(columns)
        if compiled is None:
            compiled = self._compiled[columns] = _Compiled(self._statement, connection.dialect, columns)
        driver: Any = connection.connection.driver_connection
        values = compiled.rows(rows)
        while values:
            count = next(count for count in TOGETHER if count <= len(values))
            driver.execute(compiled.repeated(count), list(chain.from_iterable(values[:count])))
            del values[:count]


class _Place(NamedTuple):
    """Where a value comes from. element: of a list."""

    name: str
    element: int | None = None

    def find(self, values: Values) -> Any:
        """Return the value."""
        return values[self.name] if self.element is None else values[self.name][self.element]


class _Compiled:
    """The text of a statement for lists of some lengths, and what becomes of values on the way to the driver and back.

    names: of the values; those of an insertion are its columns.
    """

    def __init__(
        self, query: Any, dialect: Dialect, names: Iterable[str], lengths: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        form = {"column_keys": [*names], "for_executemany": True} if isinstance(query, Insert) else {}
        compiled: SQLCompiler = query.compile(dialect=dialect, **form)
        lists = {name: [_Place(name, element) for element in range(length)] for name, length in lengths.items()}
        state = compiled.construct_expanded_state({name: _Place(name) for name in names} | lists)
        types = {name: parameter.type for name, parameter in compiled.binds.items()}
        types |= {one: types[name] for name, expanded in state.parameter_expansion.items() for one in expanded}
        self.text = state.statement
        self._values = [
            (state.parameters[name], types[name].dialect_impl(dialect).bind_processor(dialect) or _same)
            for name in state.positiontup or ()
        ]
        self._names = [one.name for one, _ in self._values if type(one) is _Place]
        if isinstance(query, Insert) and len(self._names) < len(self._values):
            raise ValueError(f"an insertion with values that are not of its rows: {self.text}")
        self._writes = [(place, write) for place, (_, write) in enumerate(self._values) if write is not _same]
        told = () if isinstance(query, TextClause | Insert) else query.exported_columns
        reads = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in told)
        self._reads = [(place, read) for place, read in enumerate(reads) if read]
        self._repeated: dict[int, str] = {}

    def repeated(self, count: int) -> str:
        """Write the text of an insertion for so many rows, whose values come one row after the other."""
        if count not in self._repeated:
            before, values, rest = self.text.partition(" VALUES ")
            row, conflict, action = rest.partition(" ON CONFLICT ")
            self._repeated[count] = "".join((before, values, ", ".join([row] * count), conflict, action))
        return self._repeated[count]

    def bound(self, values: Values) -> list[Any]:
        """Put values in the order of the text, as the driver takes them."""
        return [write(one.find(values) if type(one) is _Place else one) for one, write in self._values]

    def rows(self, rows: Sequence[Values]) -> list[tuple[Any, ...]]:
        """Do the same with the rows of an insertion, all of whose values are their own, column by column."""
        columns = [[row[name] for row in rows] for name in self._names]
        for place, write in self._writes:
            if write is not escaped or not _plain(columns[place]):
                columns[place] = list(map(write, columns[place]))
        return list(zip(*columns, strict=True))

    def read(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Turn rows of the driver into those of the query, column by column."""
        if not (rows and self._reads):
            return rows
        columns = list(zip(*rows, strict=True))
        for place, read in self._reads:
            if read is not undone or not all(map(str.isascii, filter(None, columns[place]))):
                columns[place] = tuple(map(read, columns[place]))
        return list(zip(*columns, strict=True))


def _same(value: Any) -> Any:
    return value


def _plain(texts: Iterable[str | None]) -> bool:
    """Whether nothing in texts needs to be escaped."""
    text = "".join(one for one in texts if one is not None)
    return text.isascii() and "\x00" not in text


def _padded(values: list[Any]) -> list[Any]:
    """Repeat the last of some values until they are as many as a power of two, so that there are few texts."""
    length = 1 << max(len(values) - 1, 0).bit_length()
    return values + values[-1:] * (length - len(values))
