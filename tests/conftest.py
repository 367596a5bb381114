"""A PostgreSQL server for the tests, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a server of our own; the answer is the URL of its one database."""
    pytest.importorskip("psycopg", reason="PostgreSQL is not tested: psycopg is not installed")
    if not all(map(shutil.which, ("initdb", "pg_ctl"))):
        pytest.skip("PostgreSQL is not tested: initdb and pg_ctl are not on PATH")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        data = Path(folder) / "data"
        user = _unprivileged(folder)
        _run(user, "initdb", "--auth=trust", "--username=tester", "--no-sync", str(data))
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        _run(user, "pg_ctl", "-w", "-D", str(data), "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            _run(user, "pg_ctl", "-w", "-D", str(data), "-m", "immediate", "stop")


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


def _unprivileged(folder: str) -> str | None:
    """Give the folder to a user that the server may run as: it refuses root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        return name
    pytest.skip("PostgreSQL is not tested: it does not run as root, and there is no user postgres or nobody")


def _run(user: str | None, *command: str) -> None:
    subprocess.run(command, user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")
