"""A look at a store that makes and changes nothing."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text

from slotforge.core.errors import StoreError
from slotforge.core.types import Record
from slotforge.lineage.engine import clear_errors, connect, locate, name
from slotforge.lineage.migrations import TABLE, revisions
from slotforge.lineage.schema import VERSION

OLDEST = 15  # of PostgreSQL
CONNECT_S = 5


class Look(Record):
    """A store as it is. tables: their revision; None where none are made yet."""

    name: str
    database: str
    tables: str | None


def look(where: str | Path | None) -> Look:
    """Look at a store.

    Raises:
        Absent: there is none.
        StoreError: it cannot be reached, or this version cannot work with it.
    """
    url = locate(where, new=False)
    server = url.get_backend_name() == "postgresql"
    engine = connect(url.update_query_dict({"connect_timeout": str(CONNECT_S)}) if server else url, writing=False)
    try:
        with clear_errors(url), engine.connect() as connection:
            version = connection.dialect.server_version_info or ()
            there = inspect(connection).get_table_names()
            tables = connection.scalar(text(f"SELECT version_num FROM {TABLE}")) if TABLE in there else None
    finally:
        engine.dispose()
    told = ".".join(map(str, version))
    if server and version < (OLDEST,):
        raise StoreError(f"{name(url)} is PostgreSQL {told}: use {OLDEST} or newer")
    if there and TABLE not in there:
        raise StoreError(f"{name(url)} holds the tables of another program: choose another place with --store")
    if tables and tables not in revisions():
        raise StoreError(f"{name(url)} was written by a newer slotforge (tables {tables}): upgrade this one")
    if server and tables not in (None, VERSION):
        raise StoreError(f"{name(url)} has older tables ({tables}): run `slotforge db upgrade --store URL` once")
    return Look(name=name(url), database=f"{connection.dialect.name} {told}", tables=tables)
