"""Worker processes on this machine."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver
from tempfile import gettempdir
from types import ModuleType
from typing import TypeVar

from slotforge.core.errors import UsageError, WorkerLost
from slotforge.search.executors import _mortal
from slotforge.search.executors._environment import without_secrets

Result = TypeVar("Result")


class Processes:
    """A pool of forked servers: fresh of threads and secrets, warm after the first task."""

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["slotforge.search.worker"])
        with without_secrets(), _short_paths():
            forkserver.ensure_running()
        self._pool = _mortal.pool(workers, context)

    async def submit(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Queue the function; tasks start in the order in which they were submitted."""
        try:
            with _without_program():
                future = self._pool.submit(function, *arguments)
            return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            raise WorkerLost(
                "a worker process was killed, perhaps for want of memory: resume the run, with fewer --workers"
            ) from None

    def close(self) -> None:
        """Drop what is queued and kill what runs."""
        _mortal.end(self._pool)


@contextmanager
def _short_paths() -> Iterator[None]:
    """Say what is to be done where the folder for temporary files is too deep for sockets to be in."""
    try:
        yield
    except OSError as error:
        if "AF_UNIX path too long" not in str(error):
            raise
        raise UsageError(
            f"{gettempdir()} is too long a path for the sockets of worker processes: set TMPDIR to a shorter one"
        ) from None


@contextmanager
def _without_program() -> Iterator[None]:
    """Hide the program that runs: a worker needs nothing of it, and would run it anew from its first line."""
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


def executor(workers: int, memory_mb: int = 0) -> Processes:  # noqa: ARG001
    """Make a pool of so many workers, whatever memory there is for each."""
    return Processes(workers)
