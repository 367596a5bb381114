"""What a server does for processes that freeze or end while its database does not answer."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from slotforge.core.errors import Unavailable
from slotforge.lineage import engine
from slotforge.lineage.leases import Lease
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import open_store
from slotforge.service.jobs.queue import Queue
from slotforge.service.jobs.supervisor import STARTING_S, Driven, Supervisor
from slotforge.testing import hills

WAIT_S = 60.0
FREEZES = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def started(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a process as a server starts one for a job."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)


@contextmanager
def looking_after(supervisor: Supervisor) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def taken(queue: Queue, supervisor: Supervisor) -> Lease:
    """Let a server have a job, which is to be paused once it is let go of."""
    job = queue.submit(hills.config(), owner="ann").id
    lease = queue.take(supervisor.id)
    assert lease is not None
    queue.wish(job, "pause")
    return lease


def test_a_process_that_froze_as_it_wrote_is_killed_whatever_waits_for_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MS", 1000)
    with open_store(tmp_path / "store.db") as store:
        queue = Queue(store, lease_s=2.0)
        supervisor = Supervisor(queue, 2, poll_s=0.1)
        lease = taken(queue, supervisor)
        frozen = started(FREEZES, str(tmp_path / "store.db"))
        assert frozen.stdout is not None
        assert frozen.stdout.readline() == b"locked\n"
        with pytest.raises(Unavailable, match="locked"):
            queue.take("another")
        supervisor._driven.append(Driven(lease, frozen))
        with frozen, looking_after(supervisor):
            wait(lambda: frozen.returncode is not None)
            assert frozen.returncode == -signal.SIGKILL
            wait(lambda: queue.job(lease.job).state == "paused")


def test_what_has_ended_is_buried_once_though_the_database_is_told_later(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number may be that of a stranger once it is buried."""
    supervisor = Supervisor(queue, 2)
    lease = taken(queue, supervisor)
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _: killed.append(group))
    tell, attempts = Queue.retry, iter([Unavailable("the store is locked"), Unavailable("the store is locked")])

    def retry(self: Queue, lease: Lease, why: str, *, counted: bool = True) -> None:
        for error in attempts:
            raise error
        tell(self, lease, why, counted=counted)

    monkeypatch.setattr(Queue, "retry", retry)
    with started("") as process:
        supervisor._driven.append(Driven(lease, process))
        assert os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT) is not None
        for _ in range(2):
            with pytest.raises(Unavailable):
                supervisor._look()
        assert queue.job(lease.job).state == "running"
        supervisor._look()
    assert killed == [process.pid]
    assert queue.job(lease.job).state == "paused"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep all who write to an SQLite file waiting."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("starting", [True, False])
@pytest.mark.parametrize("away_s", [0.0, 3.0], ids=["its own fault", "the database away"])
def test_an_attempt_that_ends_for_the_database_does_not_answer_is_none(
    away_s: float, starting: bool, tmp_path: Path
) -> None:
    """Its process ends with the code of a failure, for a timer ends it: see `Heartbeat`."""
    with open_store(file := tmp_path / "store.db") as store:
        queue = Queue(store, lease_s=2.0)
        supervisor = Supervisor(queue, 2, poll_s=0.1)
        lease = taken(queue, supervisor)
        process = started(f"import time; time.sleep({away_s}); raise SystemExit(1)")
        begun = time.monotonic() - (0 if starting else STARTING_S)
        supervisor._driven.append(Driven(lease, process, begun=begun))
        with ExitStack() as lock, process:
            if away_s:
                lock.enter_context(locked(file))
            with looking_after(supervisor):
                time.sleep(1.2 * away_s)
                lock.close()
                wait(lambda: queue.job(lease.job).state == "paused")
    assert queue.job(lease.job).attempts == (0 if away_s else 1)


@pytest.mark.parametrize("away", [False, True])
def test_a_job_of_another_server_that_the_database_was_away_for_as_well_is_put_back_for_nothing(
    away: bool, tmp_path: Path
) -> None:
    with open_store(tmp_path / "store.db") as store:
        queue = Queue(store, lease_s=2.0)
        job = taken(queue, Supervisor(queue)).job
        other = Supervisor(queue, poll_s=0.1)
        if away:
            other.looked = time.monotonic() - 2.0
        with store.writing() as connection:
            connection.execute(update(Job).values(lease_until=0.0))
        other._look()
        assert (queue.job(job).state, queue.job(job).attempts) == ("paused", 0 if away else 1)


def test_a_server_that_seldom_looks_does_not_take_its_database_for_away(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        queue = Queue(store, lease_s=2.0)
        supervisor = Supervisor(queue, poll_s=60.0)
        job = taken(queue, supervisor).job
        supervisor.looked = time.monotonic() - 60.5
        with store.writing() as connection:
            connection.execute(update(Job).values(lease_until=0.0))
        supervisor._look()
        assert queue.job(job).attempts == 1
