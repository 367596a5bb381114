"""A search of the service goes on whatever ends the processes that drive it, and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import select

from slotforge.core.types import RunConfig
from slotforge.lineage import servers
from slotforge.lineage.leases import Lease
from slotforge.lineage.schema import Base
from slotforge.lineage.store import SqlStore
from slotforge.service.jobs.queue import Queue
from slotforge.service.jobs.runner import NICE, Order
from slotforge.testing import hills

Archive = dict[int, tuple[object, ...]]
BEHIND_SERVER = {"job", "server"}  # tables that others write to while a job has been lost


def inline(config: RunConfig) -> RunConfig:
    return config.model_copy(update={"executor": "inline"})


def test_kill_9_of_its_process_and_of_its_server_changes_nothing(
    cluster: Any, slow: RunConfig, undisturbed: Archive
) -> None:
    job = cluster.queue.submit(slow, owner="ann").id
    first = cluster.start()
    cluster.wait_for_trials(job, 10)
    (killed,) = cluster.runners(job)
    os.kill(killed, signal.SIGKILL)
    cluster.wait("another attempt", lambda: set(cluster.runners(job)) - {killed})
    cluster.wait_for_trials(job, 14)
    first.kill()
    cluster.wait("the end of what the server had started", lambda: not cluster.runners(job))
    assert cluster.queue.job(job).state == "running"
    cluster.start()
    cluster.wait_for_state(job, "finished", "failed")
    assert cluster.queue.job(job).state == "finished", cluster.queue.job(job).why
    assert hills.archive(cluster.queue.store.trials(job)) == undisturbed
    assert cluster.queue.store.run(job).state == "finished"
    first_event, *between, last_event = [event.kind for event in cluster.queue.store.events(job)]
    assert (first_event, set(between), last_event) == ("started", {"resumed"}, "finished")


def test_shutdown_pause_and_resume_change_nothing(cluster: Any, slow: RunConfig, undisturbed: Archive) -> None:
    job, store = cluster.queue.submit(inline(slow), owner="ann").id, cluster.queue.store
    first = cluster.start()
    cluster.wait_for_trials(job, 10)
    first.terminate()
    assert first.wait(60) == 0
    left = cluster.queue.job(job)
    assert (left.state, left.holder, left.attempts, left.why) == ("queued", None, 0, "")
    assert (store.run(job).state, cluster.runners(job), servers.servers(store)) == ("interrupted", [], ())
    cluster.start()
    cluster.wait_for_trials(job, 14)
    cluster.queue.wish(job, "pause")
    cluster.wait_for_state(job, "paused")
    cluster.wait("the end of its process", lambda: not cluster.runners(job))
    assert store.run(job).state == "paused"
    assert len(store.trials(job)) < len(undisturbed)
    cluster.queue.wish(job, "resume")
    cluster.wait_for_state(job, "finished", "failed")
    assert hills.archive(store.trials(job)) == undisturbed


def test_a_job_that_is_cancelled_ends_and_keeps_what_it_found(cluster: Any, slow: RunConfig) -> None:
    job = cluster.queue.submit(inline(slow), owner="ann").id
    cluster.start()
    cluster.wait_for_trials(job, 10)
    cluster.queue.wish(job, "cancel")
    cluster.wait_for_state(job, "cancelled")
    assert cluster.queue.store.run(job).state == "cancelled"
    assert cluster.trials(job) >= 10


def test_a_process_that_wakes_up_after_its_job_was_taken_over_writes_nothing(
    where: str, cluster: Any, slow: RunConfig, undisturbed: Archive
) -> None:
    job = cluster.queue.submit(inline(slow), owner="ann").id
    short = Queue(cluster.queue.store, lease_s=3.0)
    frozen = drive(where, short.take("a"))
    cluster.wait_for_trials(job, 10)
    freeze(frozen, where)
    cluster.wait("the end of its lease", short.reap)
    lease = cluster.queue.take("b")
    before = content(cluster.queue.store)
    frozen.send_signal(signal.SIGCONT)
    frozen.communicate(timeout=60)
    assert content(cluster.queue.store) == before
    with drive(where, lease) as runner:
        assert runner.wait(120) == 0
    assert cluster.queue.job(job).state == "finished"
    assert hills.archive(cluster.queue.store.trials(job)) == undisturbed


def drive(where: str, lease: Lease) -> subprocess.Popen[bytes]:
    """Start what a server starts for a job."""
    command = [sys.executable, "-m", "slotforge.service.jobs.runner", lease.job]
    runner = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    assert runner.stdin is not None
    runner.stdin.write(Order(store=where, lease=lease).model_dump_json().encode() + b"\n")
    runner.stdin.flush()
    return runner


def freeze(process: subprocess.Popen[bytes], where: str) -> None:
    """Stop a process; not while it has an SQLite file locked, for without its server nothing could take that away."""
    while True:
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        if where.startswith("postgresql") or writable(Path(where)):
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.05)


def writable(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


def content(store: SqlStore) -> dict[str, list[Any]]:
    """Return all rows of all tables that a search writes."""
    with store.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in Base.metadata.sorted_tables
            if table.name not in BEHIND_SERVER
        }


def test_searches_give_way() -> None:
    code = "import os; from slotforge.service.jobs import runner; runner.give_way(); print(os.nice(0))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True)
    assert int(done.stdout) == min(os.nice(0) + NICE, 19)
