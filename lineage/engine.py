"""Where the database is, how to connect to it, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from slotforge.core.errors import StoreError, Unavailable, UsageError
from slotforge.core.home import home

CACHE_KB = 16_000  # of the pages that SQLite writes to: rows named by their content go all over the file
BUSY_MS = 30_000
CONNECTIONS = 10  # that are kept open: to make one takes longer than most queries
READ_AHEAD = """
    SELECT set_config('effective_io_concurrency', '32', false) WHERE current_setting('effective_io_concurrency') = '1'
"""  # where PostgreSQL, before 18, reads one page ahead for nobody has told it another number
POOL: dict[str, Any] = {"pool_size": CONNECTIONS, "max_overflow": 5, "pool_use_lifo": True}

TROUBLES = {
    "unable to open database file": "cannot be opened: check that its folder exists and that you may write there",
    "readonly database": "may not be written: give yourself the right to, or choose another place with --store",
    "not a database": "is no database: choose another file with --store",
    "disk is full": "cannot grow, the disk is full: make room, then go on with `slotforge resume`",
    "database is locked": "is locked by another program: close it, then try again",
    "disk image is malformed": "is damaged: put back a copy, or move it away to begin anew",
    "password authentication failed": "refuses the user or the password",
    "failed: trial.run, trial.number": "has this trial already: one process at a time may drive a run",
    "pk_trial": "has this trial already: one process at a time may drive a run",
    "failed: prompt_completion.search": "has this completion already: one process at a time may search for a prompt",
    "pk_prompt_completion": "has this completion already: one process at a time may search for a prompt",
    "onnection refused": "does not answer: check that the server runs and that host and port are right",
}

PASSING = (
    "08",  # connection lost
    "40",  # rolled back for the sake of another transaction
    "53300",  # too many connections
    "55P03",  # locked
    "57P",  # the server shuts down, has crashed, or starts
    "25P03",  # was idle within a transaction
)
"""How the SQLSTATE of an error of PostgreSQL begins that another attempt may not meet."""
BUSY = ("database is locked", "database table is locked")
UNASKED = ("password authentication failed", "does not exist", "no pg_hba.conf entry")  # refused for good


class Absent(StoreError):
    """There is no such file."""


def locate(where: str | Path | None, *, new: bool = True) -> URL:
    """Turn a place into a URL.

    Args:
        where: a path, a URL of SQLite or PostgreSQL, or None for the user's own store, slotforge.db in `home()`.
        new: make the folder of a file that is not there yet.

    Raises:
        Absent: a file that is not there and is not to be made.
        StoreError: no URL, another kind of database, or a folder.
    """
    if where is None:
        where = home() / "slotforge.db"
    text = str(where)
    if "://" not in text:
        return _sqlite(Path(text).expanduser(), new)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(
            "the store's URL cannot be read: write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
        ) from None
    kind = url.get_backend_name()
    if kind == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise StoreError("a store in memory would be lost: name a file, as in sqlite:///slotforge.db")
        return _sqlite(Path(str(url.database)), new)
    if kind == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise StoreError(f"no store on {kind}: use SQLite (a file's path) or PostgreSQL (postgresql+psycopg://...)")


def refuse_password(where: str) -> None:
    """Raise UsageError where what a process that goes on for long is called with would show a password."""
    try:
        url = make_url(where) if "://" in where else None
    except (ArgumentError, ValueError):
        return  # `locate` says what is wrong
    if url is not None and any(_secrets(url)):
        raise UsageError(
            "--store holds a password, which every user of this machine can see: put the URL into "
            "$SLOTFORGE_SERVE_STORE, or the password into a file that $PGPASSFILE names"
        )


def _sqlite(path: Path, new: bool) -> URL:
    path = path.absolute()
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name a file in it, such as {path / 'slotforge.db'}")
    if not new and not os.path.exists(path):
        raise Absent(f"there is no store {path}: name one that is there, or begin one with `slotforge discover`")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"cannot make the folder {path.parent} ({error.strerror})"
        raise StoreError(f"{reason}: choose another place with --store") from error
    return URL.create("sqlite", database=str(path))


def connect(url: URL, *, writing: bool) -> Engine:
    """Make an engine whose transactions write (SQLite: BEGIN IMMEDIATE) or see one snapshot and write nothing."""
    if url.get_backend_name() == "sqlite":
        return _connect_sqlite(url, writing=writing)
    options: dict[str, Any] = {} if writing else {"postgresql_readonly": True}
    level = "READ COMMITTED" if writing else "REPEATABLE READ"
    try:
        from slotforge.lineage.sums import keep_plain

        engine = create_engine(url, isolation_level=level, execution_options=options, pool_pre_ping=True, **POOL)
    except ModuleNotFoundError as error:
        raise StoreError("PostgreSQL needs its driver: pip install 'psycopg[binary]'") from error

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:  # noqa: ARG001
        keep_plain(connection)
        connection.execute(READ_AHEAD)
        connection.commit()

    return engine


def _connect_sqlite(url: URL, *, writing: bool) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000}, **POOL)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:  # noqa: ARG001
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        if writing:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        else:
            connection.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if writing:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            driver: Any = connection.connection.driver_connection
            driver.execute("BEGIN")

    return engine


@contextmanager
def clear_errors(url: URL) -> Iterator[None]:
    """Turn the database's errors into one line without a password: which store, what is wrong, what to do.

    Raises:
        Unavailable: it is busy or cannot be reached.
        StoreError: anything else.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        text = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
        meaning = next((meaning for sign, meaning in TROUBLES.items() if sign in text), None)
        kind = Unavailable if _passes(error, text) else StoreError
        raise kind(f"the store {name(url)} {meaning or 'failed: ' + _hide(text.splitlines()[0], url)}") from None


def _passes(error: Exception, text: str) -> bool:
    """Whether an error may be over by the next attempt: see `Unavailable`."""
    if isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        return any(sign in text for sign in BUSY)
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return str(state).startswith(PASSING)
    return type(cause).__name__ == "OperationalError" and not any(sign in text for sign in UNASKED)


def name(url: URL) -> str:
    """Name a store to people: its file, or its URL without passwords."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return _hide(url.render_as_string(hide_password=True), url)


def _hide(text: str, url: URL) -> str:
    for secret in filter(None, _secrets(url)):
        text = text.replace(str(secret), "***")
    return text


def _secrets(url: URL) -> tuple[object, ...]:
    return url.password, url.query.get("password"), url.query.get("sslpassword")
