"""Ray: warm workers on this machine or on a cluster.

Results travel through Ray; only the driver writes to the database. A bounded number of calls is under way at once, so
that the object store and the scheduler stay small however long the queue is. A worker gets its next call as soon as one
of its calls has ended, and at once when it has none.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from slotforge.core.errors import SlotforgeError
from slotforge.search.executors._environment import without_secrets

Result = TypeVar("Result")
NODE = 8  # workers on each node of a simulated cluster
PER_WORKER = 2  # calls a worker holds at once: one that runs, one that waits, so that it is never idle


class Worker:
    """An actor that keeps its imports and caches warm between calls."""

    def call(self, function: Callable[..., Any], arguments: tuple[object, ...]) -> Any:
        """Run a module-level function."""
        return function(*arguments)


class Ray:
    """A pool of actors that each hold a bounded number of calls."""

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

    def submit(self, function: Callable[..., Result], *arguments: object) -> Awaitable[Result]:
        """Queue the function; tasks start in the order in which they were submitted."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((future, function, arguments))
        self._fill()
        return future

    def _fill(self) -> None:
        """Hand out what is queued, to the worker with the fewest calls first."""
        while self._queue and self._load[worker := min(self._load, key=self._load.__getitem__)] < PER_WORKER:
            future, function, arguments = self._queue.popleft()
            if not future.cancelled():
                self._start(worker, future, function, arguments)

    def _start(
        self, worker: Any, future: asyncio.Future[Any], function: Callable[..., Any], arguments: tuple[object, ...]
    ) -> None:
        loop = future.get_loop()

        def ended(done: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop may have gone, and with it whoever waits
                loop.call_soon_threadsafe(self._end, worker, future, done)

        try:
            reference = worker.call.remote(function, arguments)
        except Exception as error:
            future.set_exception(SlotforgeError(f"Ray failed: {error}"))
            return
        self._load[worker] += 1
        reference.future().add_done_callback(ended)

    def _end(self, worker: Any, future: asyncio.Future[Any], done: Future[Any]) -> None:
        self._load[worker] -= 1
        if not future.done():
            self._deliver(future, done)
        self._fill()

    def _deliver(self, future: asyncio.Future[Any], done: Future[Any]) -> None:
        try:
            future.set_result(done.result())
        except self._ray.exceptions.RayTaskError as error:
            future.set_exception(error.cause or error)
        except self._ray.exceptions.RayError as error:
            future.set_exception(SlotforgeError(f"a Ray worker was lost: {str(error).splitlines()[0]}"))

    def close(self) -> None:
        """Stop the actors, and Ray if it was started here."""
        for worker in self._load:
            self._ray.kill(worker)
        self._ray.shutdown()


def executor(workers: int) -> Ray:
    """Start Ray here, or join the cluster at RAY_ADDRESS, with so many workers."""
    return Ray(workers)


@contextmanager
def simulated(workers: int) -> Iterator[None]:
    """Simulate a cluster on this machine for the length of a block, for executors to join; for tests and benchmarks."""
    from ray.cluster_utils import Cluster

    nodes = Cluster()
    before = os.environ.get("RAY_ADDRESS")
    try:
        for first in range(0, workers, NODE):
            with without_secrets():
                cores = min(NODE, workers - first)
                nodes.add_node(num_cpus=cores, object_store_memory=80 * 2**20, include_dashboard=False)
        os.environ["RAY_ADDRESS"] = nodes.address
        yield
    finally:
        if before is None:
            os.environ.pop("RAY_ADDRESS", None)
        else:
            os.environ["RAY_ADDRESS"] = before
        nodes.shutdown()  # type: ignore[no-untyped-call]
