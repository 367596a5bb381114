"""What a server does for the jobs: it takes them, starts a process for each, and looks after both.

    python -m slotforge.service.jobs.supervisor --store URL

does nothing else; `slotforge serve` does it in a thread.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from uuid import uuid4

import click
from click.core import ParameterSource

from slotforge import __version__
from slotforge.core.errors import BuildError, SandboxError, StoreError
from slotforge.core.home import home
from slotforge.lineage import driver, servers
from slotforge.lineage.engine import refuse_password
from slotforge.lineage.leases import SECONDS, Lease, LeaseLost
from slotforge.lineage.store import open_store
from slotforge.search.executors._environment import STORES
from slotforge.service.jobs.lease import TIMER
from slotforge.service.jobs.queue import Queue
from slotforge.service.jobs.runner import AGAIN, STOP, Order
from slotforge.solvers.sandbox.level import level

POLL_S = 1.0
GRACE_S = 20.0  # for jobs to be interrupted cleanly at shutdown
STARTING_S = 15.0  # for a process to start, and to keep its lease itself
LATE_S = 2.0  # for a process to end that has let go of its job
ENDING_S = 0.05  # between two looks at processes that are to end
log = logging.getLogger("slotforge.jobs")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class Driven:
    """A job of this server, and the process that drives it. lost: since when it is no longer ours."""

    lease: Lease
    process: subprocess.Popen[bytes]
    lost: float | None = None
    begun: float = field(default_factory=time.monotonic)

    @property
    def ended(self) -> bool:
        """Whether the process has ended; until it is buried, its number and that of its group are nobody else's."""
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return True

    def stop(self) -> None:
        """Ask the process to end cleanly."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(STOP)
            self.process.stdin.flush()

    def kill(self) -> None:
        """Kill the process with all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def bury(self) -> int:
        """Leave nothing of a process that has ended, or must, once; the answer is its exit code."""
        self.kill()
        code = self.process.wait()
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()
        return code


@dataclass
class Supervisor:
    """Works off a queue with as many CPUs as it may use.

    poll_s: between two looks at the queue.
    grace_s: for jobs to be interrupted cleanly at shutdown.
    """

    queue: Queue
    cpus: int = field(default_factory=cores)
    poll_s: float = POLL_S
    grace_s: float = GRACE_S
    id: str = field(default_factory=lambda: uuid4().hex[:10])
    looked: float = field(default_factory=time.monotonic)  # when the last look began that came to its end
    _away: float = -math.inf  # when the store had left this server waiting for long, the last time
    _driven: list[Driven] = field(default_factory=list)
    _failed: list[tuple[Lease, int]] = field(default_factory=list)  # what has ended with a code, and is yet to be told

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; then jobs are interrupted cleanly, and go back to the queue."""
        log.info("server %s takes jobs from %s, for %d CPUs", self.id, self.queue.store.name, self.cpus)
        try:
            while not stop.is_set():
                try:
                    begun = time.monotonic()
                    self._look()
                    self.looked = begun
                except (StoreError, OSError) as error:  # the next time may do
                    log.warning("%s", error)
                stop.wait(self.poll_s)
        finally:
            self._shut_down()

    def _look(self) -> None:
        """Look at everything once; nothing is written before those that may keep the store from it are killed."""
        self._notice()
        self._bury()
        if not self._end_lost():
            return
        self._put_back()
        self._keep()
        servers.sign(self.queue.store, self.id, self._facts())
        for job in self.queue.reap(counted=not self._was_away()):
            log.warning("job %s had lost its server or its process: it waits for another attempt", job)
        while lease := self._take():
            self._start(lease)

    def _notice(self) -> None:
        """Remember that the store has left this server waiting, in its last look or in this one."""
        now = time.monotonic()
        if now - self.looked - self.poll_s > self.queue.lease_s / 2:
            self._away = now

    def _was_away(self) -> bool:
        """Say whether the store was away within a lease: processes may have lost their jobs for that."""
        self._notice()
        return time.monotonic() - self._away < self.queue.lease_s

    def _facts(self) -> dict[str, object]:
        return {
            "process": driver.this_process(),
            "host": socket.gethostname(),
            "version": __version__,
            "cpus": self.cpus,
            "sandbox_level": _sandbox_level(),
            **_builds(),
            "jobs": [one.lease.job for one in self._driven],
        }

    def _take(self) -> Lease | None:
        """Take a job for the CPUs that are free; one that needs more than there are is taken when all are."""
        if not self._driven:
            return self.queue.take(self.id)
        free = self.cpus - sum(one.lease.cpus for one in self._driven)
        return self.queue.take(self.id, cpus=free) if free > 0 else None

    def _start(self, lease: Lease) -> None:
        log.info("job %s begins", lease.job)
        command = [sys.executable, "-P", "-m", "slotforge.service.jobs.runner", lease.job]
        nowhere = subprocess.DEVNULL
        environment = {name: value for name, value in os.environ.items() if name not in STORES}
        environment["SLOTFORGE_HOME"] = str(home())
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=nowhere,
            stderr=nowhere,
            start_new_session=True,
            env=environment,
            cwd="/",  # where no folder is called as a family of instances
        )
        self._driven.append(Driven(lease, process))
        order = Order(store=self.queue.store.url.render_as_string(hide_password=False), lease=lease)
        assert process.stdin is not None
        with suppress(OSError):  # it has ended: that is seen at the next look
            process.stdin.write(order.model_dump_json().encode() + b"\n")
            process.stdin.flush()

    def _bury(self) -> None:
        """Leave nothing of processes that have ended."""
        for one in [one for one in self._driven if one.ended]:
            code = one.bury()
            self._driven.remove(one)
            self._failed.append((one.lease, code))
            log.info("the process of job %s has ended (%d)", one.lease.job, code)

    def _end_lost(self) -> bool:
        """Kill the processes that have lost their jobs; False while one of them has a while left to end by itself.

        This only reads: one that froze within a transaction has an SQLite file locked, and whoever writes waits for it.
        """
        ours = self.queue.held(self.id) if self._driven else {}
        now = time.monotonic()
        for one in self._driven:
            if ours.get(one.lease.job) == one.lease.fence:
                one.lost = None
            else:
                one.lost = one.lost or now
                if now - one.lost > LATE_S:
                    one.kill()
        return all(one.lost is None or now - one.lost > LATE_S for one in self._driven)

    def _put_back(self) -> None:
        """Let another attempt be made where a process has failed."""
        while self._failed:
            lease, code = self._failed[0]
            counted = code != AGAIN and not (code == TIMER and self._was_away())
            with suppress(LeaseLost):  # it has let go of its job itself
                self.queue.retry(lease, f"its process ended with {code}", counted=counted)
            del self._failed[0]

    def _keep(self) -> None:
        """Keep the jobs of processes that are starting, which will do so themselves."""
        for one in self._driven:
            if one.lost is None and time.monotonic() - one.begun < STARTING_S:
                self.queue.renew(one.lease)

    def _shut_down(self) -> None:
        for one in self._driven:
            one.stop()
        end = time.monotonic() + self.grace_s
        while time.monotonic() < end and not all(one.ended for one in self._driven):
            time.sleep(ENDING_S)
        for one in self._driven:
            one.bury()
        for one in self._driven:
            with suppress(StoreError):  # it has let go itself, or its lease will run out
                self.queue.release(one.lease, "queued")
        with suppress(StoreError):
            self._put_back()
        with suppress(StoreError):
            servers.leave(self.queue.store, self.id)
        log.info("server %s has shut down", self.id)


def _sandbox_level() -> int | None:
    """Return how well this machine confines candidates; None where it cannot run any."""
    try:
        return level(allow_unsafe=True).number
    except SandboxError:
        return None


@cache
def _builds() -> dict[str, str]:
    """Say what compiles candidates here and which engine runs them; nothing of what is not installed."""
    from slotforge.solvers.sat.build import engine_hash
    from slotforge.solvers.sat.compiler import compiler

    found = {}
    with suppress(BuildError):
        found["compiler"] = compiler().version
    with suppress(BuildError, OSError):
        found["engine"] = engine_hash()
    return found


@click.command()
@click.option("--store", envvar=STORES[1], required=True, help="Database: a file or an SQLAlchemy URL.")
@click.option("--cpus", type=click.IntRange(1), help="That jobs may use at once. [default: number of cores]")
@click.option("--lease", default=SECONDS, type=click.FloatRange(1), help="Seconds that a job waits for its holder.")
@click.option("--poll", default=POLL_S, type=click.FloatRange(0.01), help="Seconds between two looks at the queue.")
@click.pass_context
def main(context: click.Context, store: str, cpus: int | None, lease: float, poll: float) -> None:
    """Work off the queue of a store until SIGTERM or Ctrl-C."""
    if context.get_parameter_source("store") is ParameterSource.COMMANDLINE:
        refuse_password(store)
    from slotforge.service.api import logs

    logs.set_up()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with open_store(store) as opened:
        Supervisor(Queue(opened, lease), cpus or cores(), poll_s=poll).run(stop)


if __name__ == "__main__":
    main()
