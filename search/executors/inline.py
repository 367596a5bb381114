"""In the process itself, one after the other: for tests and debugging."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


class Inline:
    """Calls the function when its result is awaited."""

    def submit(self, function: Callable[..., Result], *arguments: object) -> Awaitable[Result]:
        """Run the function here."""

        async def call() -> Result:
            return function(*arguments)

        return call()

    def close(self) -> None:
        """Nothing is left to stop."""


def executor(workers: int, memory_mb: int = 0) -> Inline:  # noqa: ARG001
    """Make the executor; there is one worker, whatever is asked for."""
    return Inline()
