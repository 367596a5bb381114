"""A PostgreSQL server for tests does not outlive them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from slotforge.testing import postgres
from slotforge.testing.processes import parents

pytestmark = pytest.mark.skipif(bool(postgres.missing()), reason=f"there is no PostgreSQL: {postgres.missing()}")
GOING_S = 30.0  # for a server to go
USE = """
import sys, time
from pathlib import Path
from slotforge.testing import postgres
with postgres.server(postgres.CARELESS, folder=Path(sys.argv[1]) if sys.argv[1:] else None) as server:
    print(server.folder, flush=True)
    time.sleep(60)
"""


def leader(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def user(*arguments: str) -> tuple[subprocess.Popen[str], Path, int]:
    """Start a process that leads its own group and uses a server; return also the server's folder and first process."""
    command = [sys.executable, "-c", USE, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout
    folder = Path(process.stdout.readline().strip())
    return process, folder, leader(folder)


def wait_for_end(server: int) -> None:
    end = time.monotonic() + GOING_S
    while server in parents():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_ends_with_the_process_that_uses_it_however_that_ends(how: signal.Signals) -> None:
    process, folder, server = user()
    with process:
        assert server in parents()
        os.killpg(process.pid, how)
    wait_for_end(server)
    end = time.monotonic() + GOING_S
    while folder.exists():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_folder_that_was_given_stays() -> None:
    with tempfile.TemporaryDirectory(prefix="slotforge-pg-", dir="/tmp") as given:  # which its user may enter
        process, folder, server = user(given)
        with process:
            process.kill()
        wait_for_end(server)
        assert (folder / "data").is_dir()


def test_a_server_ends_with_its_block() -> None:
    with postgres.server(postgres.CARELESS) as made:
        server = leader(made.folder)
        assert server in parents()
    assert server not in parents()
    assert not made.folder.exists()
