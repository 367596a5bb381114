"""A PostgreSQL server for the tests, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

databases = count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a server of our own; the answer is its URL without a database."""
    pytest.importorskip("psycopg", reason="PostgreSQL is not tested: psycopg is not installed")
    if not all(map(shutil.which, ("initdb", "pg_ctl", "createdb"))):
        pytest.skip("PostgreSQL is not tested: initdb, pg_ctl and createdb are not on PATH")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        data = Path(folder) / "data"
        user = _unprivileged(folder)
        _run(user, "initdb", "--auth=trust", "--username=tester", "--no-sync", str(data))
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        _run(user, "pg_ctl", "-w", "-D", str(data), "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://tester@/{{}}?host={folder}"
        finally:
            _run(user, "pg_ctl", "-w", "-D", str(data), "-m", "immediate", "stop")


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """Return the URL of an empty database."""
    name = f"test{next(databases)}"
    host = postgres_server.partition("host=")[2]
    subprocess.run(["createdb", "-h", host, "-U", "tester", name], check=True)
    return postgres_server.format(name)


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
