"""Ray: warm workers on this machine or on a cluster.

Results travel through Ray; only the driver writes to the database. A bounded number of calls is under way at once, so
that the object store and the scheduler stay small however long the queue is.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from slotforge.core.errors import SlotforgeError
from slotforge.search.executors._environment import without_secrets

Result = TypeVar("Result")
PER_WORKER = 2  # calls a worker holds at once: one that runs, one that waits, so that it is never idle


class Worker:
    """An actor that keeps its imports and caches warm between calls."""

    def call(self, function: Callable[..., Any], arguments: tuple[object, ...]) -> Any:
        """Run a module-level function."""
        return function(*arguments)


class Ray:
    """A pool of actors fed through a bounded window over `ray.wait`."""

    def __init__(self, workers: int) -> None:
        import ray

        if not ray.is_initialized():
            address = os.environ.get("RAY_ADDRESS")
            with without_secrets():
                ray.init(
                    address=address,
                    num_cpus=None if address else workers,
                    include_dashboard=None if address else False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        self._ray = ray
        actor = ray.remote(num_cpus=1, max_restarts=-1)(Worker)
        self._load: dict[Any, int] = {actor.remote(): 0 for _ in range(workers)}
        self._queue: deque[tuple[asyncio.Future[Any], Callable[..., Any], tuple[object, ...]]] = deque()
        self._pending: dict[Any, tuple[asyncio.Future[Any], Any]] = {}
        self._pump: asyncio.Task[None] | None = None

    def submit(self, function: Callable[..., Result], *arguments: object) -> Awaitable[Result]:
        """Queue the function; tasks start in the order in which they were submitted."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((future, function, arguments))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._run())
        return future

    async def _run(self) -> None:
        """Pump until nothing is left to do; if that fails, so does all that waits."""
        try:
            await self._feed()
        except Exception as error:
            for future in [f for f, *_ in self._queue] + [f for f, _ in self._pending.values()]:
                if not future.done():
                    future.set_exception(SlotforgeError(f"Ray failed: {error}"))

    async def _feed(self) -> None:
        """Keep the window full."""
        while self._queue or self._pending:
            self._fill()
            ready, _ = await asyncio.to_thread(self._ray.wait, list(self._pending), timeout=1.0)
            for reference in ready:
                future, worker = self._pending.pop(reference)
                self._load[worker] -= 1
                self._deliver(future, reference)

    def _fill(self) -> None:
        while self._queue and (worker := min(self._load, key=self._load.__getitem__)):
            if self._load[worker] >= PER_WORKER:
                return
            future, function, arguments = self._queue.popleft()
            if not future.cancelled():
                self._load[worker] += 1
                self._pending[worker.call.remote(function, arguments)] = (future, worker)

    def _deliver(self, future: asyncio.Future[Any], reference: Any) -> None:
        if future.cancelled():
            return
        try:
            future.set_result(self._ray.get(reference))
        except self._ray.exceptions.RayTaskError as error:
            future.set_exception(error.cause or error)
        except self._ray.exceptions.RayError as error:
            future.set_exception(SlotforgeError(f"a Ray worker was lost: {str(error).splitlines()[0]}"))

    def close(self) -> None:
        """Stop the actors, and Ray if it was started here."""
        if self._pump is not None:
            self._pump.cancel()
        for worker in self._load:
            self._ray.kill(worker)
        self._ray.shutdown()


def executor(workers: int) -> Ray:
    """Start Ray here, or join the cluster at RAY_ADDRESS, with so many workers."""
    return Ray(workers)
