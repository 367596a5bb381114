"""Bringing a store's tables to the schema that this version of slotforge works with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from slotforge.core.errors import StoreError
from slotforge.lineage.engine import clear_errors, connect, locate, name
from slotforge.lineage.schema import VERSION

if TYPE_CHECKING:
    from alembic.config import Config

TABLE = "slotforge_version"
LOCK = 0x510F  # PostgreSQL's advisory lock around a migration


def upgrade(where: str | Path | None, revision: str = "head") -> None:
    """Bring a store's tables up to a revision; an empty database gets all of them."""
    _migrate(where, "upgrade", revision)


def downgrade(where: str | Path | None, revision: str = "base") -> None:
    """Take a store's tables back to a revision; what only newer ones can hold is lost."""
    _migrate(where, "downgrade", revision)


def ensure(engine: Engine) -> None:
    """Make the tables of a new store, and upgrade an older SQLite store.

    Raises:
        StoreError: the tables are newer than this version, older on a server that others may share, or not ours.
    """
    with engine.connect() as connection:
        tables = set(inspect(connection).get_table_names())
        found = connection.scalar(text(f"SELECT version_num FROM {TABLE}")) if TABLE in tables else None
    if found == VERSION:
        return
    where = name(engine.url)
    if tables and TABLE not in tables:
        raise StoreError(f"{where} holds the tables of another program: choose another place with --store")
    if found and found not in revisions():
        advice = "upgrade slotforge, or choose another place with --store"
        raise StoreError(f"the store {where} was written by a newer slotforge (tables {found}): {advice}")
    if found and engine.dialect.name != "sqlite":
        raise StoreError(f"the store {where} has older tables ({found}): run `slotforge db upgrade --store URL` once")
    writing = connect(engine.url, writing=True)
    try:
        _run(writing, "upgrade", "head")
    finally:
        writing.dispose()


def revisions() -> list[str]:
    """List the revisions that this version knows, newest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()]


def _migrate(where: str | Path | None, command: str, revision: str) -> None:
    url = locate(where)
    engine = connect(url, writing=True)
    try:
        with clear_errors(url):
            _run(engine, command, revision)
    finally:
        engine.dispose()


def _run(engine: Engine, command: str, revision: str) -> None:
    """Migrate in one transaction; whoever comes second waits, and then finds nothing left to do."""
    from alembic import command as commands

    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        getattr(commands, command)(_config(connection), revision)


def _config(connection: Connection | None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
