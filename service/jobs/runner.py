"""The process that drives one job; a server starts it, and tells it on standard input what nobody else may see.

    python -m slotforge.service.jobs.runner JOB

The first line is an `Order`. After it comes "stop", when the server shuts down; the end of the input means that the
server is gone, and then this process ends at once, with its workers.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import threading
from contextlib import suppress
from io import FileIO
from multiprocessing.util import get_temp_dir
from pathlib import Path
from typing import NoReturn

from slotforge.core.errors import SlotforgeError, StoreError, Unavailable, UsageError, WorkerLost
from slotforge.core.types import Record
from slotforge.lineage.jobs import FAILED, QUEUED
from slotforge.lineage.leases import Lease, LeaseLost
from slotforge.lineage.store import open_store
from slotforge.service.jobs import log as logs
from slotforge.service.jobs.ended import Ended
from slotforge.service.jobs.lease import Heartbeat
from slotforge.service.jobs.queue import Queue

NICE = 10  # more than the server
STOP = b"stop\n"
AGAIN = 75  # the exit code that asks for another attempt, for the store is unavailable: EX_TEMPFAIL of sysexits(3)
log = logging.getLogger("slotforge.jobs")


class Order(Record):
    """What a runner is told by its server. store: its URL, with the password."""

    store: str
    lease: Lease


class Runner:
    """Drives a job to its end, or to where its owner or its server wants it to stop."""

    def __init__(self, order: Order, input_: FileIO) -> None:
        self._order, self._lease, self._input = order, order.lease, input_
        self._interrupted = threading.Lock()
        self._main = threading.main_thread().ident

    def run(self) -> int:
        """Work, and let go of the job; the exit code says whether that was possible."""
        try:
            with open_store(self._order.store, new=False) as store:
                queue = Queue(store, self._lease.seconds)
                with Heartbeat(queue, self._lease, wished=self._obey, lost=end_at_once):
                    ended = self._drive(queue)
                return self._let_go(queue, ended)
        except LeaseLost:
            end_at_once()
        except StoreError as error:  # the server sees that this process has ended, and puts the job back
            log.error("%s", error)
            return AGAIN if isinstance(error, Unavailable) else 1

    def _drive(self, queue: Queue) -> Ended | Exception:
        """Work; return how the job is left, or what calls for another attempt."""
        try:
            ended = self._work(queue)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        except KeyboardInterrupt:
            return Ended(state=QUEUED)  # or as its owner wishes
        except LeaseLost:
            raise
        except SlotforgeError as error:
            again = isinstance(error, (WorkerLost, StoreError)) and not isinstance(error, UsageError)
            return error if again else Ended(state=FAILED, why=_line(error))
        except Exception as error:
            log.exception("the job broke off")
            return error
        return ended

    def _let_go(self, queue: Queue, ended: Ended | Exception) -> int:
        if isinstance(ended, Exception):
            log.error("another attempt is needed: %s", _line(ended))
            queue.retry(self._lease, _line(ended), counted=not isinstance(ended, Unavailable))
            return 1
        queue.release(
            self._lease, ended.state, why=ended.why, result=ended.result, run=ended.run, verdicts=ended.verdicts
        )
        log.info("%s %s", ended.state, ended.why)
        return 0

    def _work(self, queue: Queue) -> Ended:
        from slotforge.service.jobs.work import KINDS  # takes seconds, for which the lease is kept already

        threading.Thread(target=self._follow, name="slotforge-orders", daemon=True).start()
        job = queue.job(self._lease.job)
        log.info("attempt %d, by server %s", job.attempts, self._lease.holder)
        with open_store(self._order.store, new=False, guard=self._lease.guard) as store:
            return KINDS[job.kind](job, store)

    def _follow(self) -> None:
        """Do as the server says."""
        while line := self._input.readline():
            if line == STOP:
                self._interrupt("the server shuts down")
        log.error("the server is gone")
        end_at_once()

    def _obey(self, wish: str) -> None:
        """Do as the owner wishes."""
        self._interrupt(f"to {wish}")

    def _interrupt(self, why: str) -> None:
        """End the work cleanly, as Ctrl-C does, and once; how the job is left then is what is wished by that time."""
        if self._interrupted.acquire(blocking=False):
            log.info("%s", why)
            assert self._main is not None
            signal.pthread_kill(self._main, signal.SIGINT)


def _line(error: Exception) -> str:
    said = str(error).partition("\n")[0]
    return said if isinstance(error, SlotforgeError) else f"{type(error).__name__}: {said}"


def end_at_once() -> NoReturn:
    """Kill this process with all that it has started, where it leads its own group as a server starts it."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(AGAIN)


def give_way() -> None:
    """Let what people wait for, such as the server, run before this process and all that it starts."""
    os.nice(NICE)
    with suppress(OSError):  # where Linux shares the CPU out among sessions, the niceness of this one counts
        Path("/proc/self/autogroup").write_text(str(NICE))


def main() -> None:
    """Drive the job that the server names."""
    give_way()
    input_ = os.fdopen(os.dup(0), "rb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    order = Order.model_validate_json(input_.readline())
    with logs.kept(order.lease.job):
        code = Runner(order, input_).run()
    shutil.rmtree(get_temp_dir(), ignore_errors=True)  # multiprocessing does so itself at any other exit
    os._exit(code)  # the job is let go of: nothing that is left is worth waiting for


if __name__ == "__main__":
    main()
