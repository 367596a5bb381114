"""Worker processes on this machine."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")
PR_SET_PDEATHSIG = 1


class Processes:
    """A pool of forked servers: fresh of threads and secrets, warm after the first task."""

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["slotforge.search.worker"])
        self._pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)

    def submit(self, function: Callable[..., Result], *arguments: object) -> Awaitable[Result]:
        """Queue the function; tasks start in the order in which they were submitted."""
        return asyncio.wrap_future(self._pool.submit(function, *arguments))

    def close(self) -> None:
        """Drop what is queued and kill what runs; the sandbox ends with its worker."""
        workers = list(self._pool._processes.values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()


def _begin() -> None:
    """Leave Ctrl-C to the driver, and end with the fork server, which ends with the driver."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def executor(workers: int) -> Processes:
    """Make a pool of so many workers."""
    return Processes(workers)
