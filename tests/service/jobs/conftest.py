"""Stores on both databases, searches that take some seconds, and servers in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slotforge.core.types import Budget, RunConfig
from slotforge.lineage.store import SqlStore
from slotforge.service.jobs.queue import Queue
from slotforge.testing import drowsy, hills

WAIT_S = 90.0
SLOW = hills.config(
    domain=drowsy.NAME,
    instances=("sleepy:seconds=0.02:spread=0.5",),
    executor="process",
    budget=Budget(evals=24),
    options={"per_family": 15},
)


@dataclass
class Cluster:
    """Servers on one store, in processes of their own."""

    where: str
    queue: Queue
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *, cpus: int = 2) -> subprocess.Popen[bytes]:
        command = ["-m", "slotforge.service.jobs.supervisor", "--store", self.where, "--cpus", str(cpus)]
        options = ["--lease", "8", "--poll", "0.1"]
        server = subprocess.Popen([sys.executable, *command, *options], stderr=subprocess.DEVNULL)
        self.servers.append(server)
        return server

    def runners(self, job: str) -> list[int]:
        """Return the processes that drive a job."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if b"slotforge.service.jobs.runner" in words and job.encode() in words:
                    found.append(int(process.name))
        return found

    def wait(self, what: str, condition: Callable[[], object]) -> None:
        """Wait until something holds."""
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, f"{what}: not within {WAIT_S:g} s; {self.queue.jobs()}"
            time.sleep(0.03)

    def wait_for_state(self, job: str, *states: str) -> None:
        self.wait(f"{job} {states}", lambda: self.queue.job(job).state in states)

    def trials(self, job: str) -> int:
        return len(self.queue.store.trials(job))

    def wait_for_trials(self, job: str, count: int) -> None:
        self.wait(f"{count} trials", lambda: self.trials(job) >= count)

    def close(self) -> None:
        for server in self.servers:
            if server.poll() is None:
                server.kill()
            server.wait()
        for job in self.queue.jobs():
            for runner in self.runners(job.id):
                with suppress(ProcessLookupError):
                    os.killpg(runner, signal.SIGKILL)


@pytest.fixture
def queue(store: SqlStore) -> Queue:
    return Queue(store)


@pytest.fixture
def cluster(where: str, queue: Queue) -> Iterator[Cluster]:
    made = Cluster(where, queue)
    yield made
    made.close()


@pytest.fixture
def slow() -> RunConfig:
    """Set up a search of some seconds."""
    return SLOW


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[object, ...]]:
    """Return the archive of that search when nothing disturbs it."""
    _, archive = hills.discover(tmp_path_factory.mktemp("undisturbed") / "store.db", SLOW)
    return archive
