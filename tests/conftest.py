"""A PostgreSQL server for the tests, where its programs are installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slotforge.testing import postgres as programs


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a server of our own; the answer is the URL of its one database."""
    pytest.importorskip("psycopg", reason="PostgreSQL is not tested: psycopg is not installed")
    if missing := programs.missing():
        pytest.skip(f"PostgreSQL is not tested: {missing}")
    with programs.server(programs.CARELESS) as server:
        yield server.url


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """Return the URL of an empty database."""
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.execute(f"{others} AND backend_type = 'client backend'")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgres_server
