"""Worker processes on this machine."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


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
        """Drop what is queued and wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """Leave Ctrl-C to the driver, which stops the workers in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def executor(workers: int) -> Processes:
    """Make a pool of so many workers."""
    return Processes(workers)
