"""What all tests share: settings of libraries, and a PostgreSQL server where its programs are installed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

# Before anything imports NumPy: tests run side by side, and threads of linear algebra would spin for one another.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
# Before anything imports JAX: tests compile longer than they compute. Workers of candidates have flags of their own.
os.environ["XLA_FLAGS"] = f"--xla_backend_optimization_level=0 {os.environ.get('XLA_FLAGS', '')}".strip()

# A shell starts what runs in the background without Ctrl-C, and programs that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import hypothesis
import pytest

from slotforge.lineage.store import SqlStore, open_store
from slotforge.testing import postgres as programs

hypothesis.settings.register_profile("side by side", deadline=None)  # how long an example takes is up to the others
hypothesis.settings.load_profile("side by side")


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of what was compiled, in a home, for all processes of the suite; other homes may link to it.

    Beside it is one of compiled rules, `jax`.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "home" / "builds"
    for one in (folder, folder.with_name("jax")):
        one.mkdir(parents=True, exist_ok=True)
    return folder


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
    return emptied(postgres_server)


@pytest.fixture(scope="module")
def empty_postgres(postgres_server: str) -> str:
    """Return the URL of a database that is empty when a module begins to use it."""
    return emptied(postgres_server)


def emptied(server: str) -> str:
    """Empty the database of a server, whoever is connected to it."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.execute(f"{others} AND backend_type = 'client backend'")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return server


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where an empty store is to be, in a database of each kind."""
    return str(request.getfixturevalue("postgres") if request.param == "postgres" else tmp_path / "store.db")


@pytest.fixture
def store(where: str) -> Iterator[SqlStore]:
    """Open an empty store, in a database of each kind."""
    with open_store(where) as opened:
        yield opened
