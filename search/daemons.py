"""An event loop that waits for no thread: a call of a library that never returns delays the end of nothing.

Clients of models that know no asynchronous calls, and look-ups of names, are run in the loop's default executor, whose
threads `asyncio.run` and the end of the process wait for, however long a call that was given up goes on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Daemons(ThreadPoolExecutor):
    """Runs each call in a daemon thread of its own; it is a pool only by name, for a loop takes nothing else."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin a call at once."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nobody."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as `asyncio.run` does, and leave behind the threads of calls that were given up."""

    async def with_daemons() -> T:
        asyncio.get_running_loop().set_default_executor(Daemons())
        return await main

    return asyncio.run(with_daemons())
