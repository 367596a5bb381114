"""A server as all questions to it share it: when it may be asked next, and how often."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from slotforge.core.errors import BudgetExhausted, UsageError
from slotforge.search.budget import Ledger

RATE_VARIABLE = "SLOTFORGE_MODEL_RPM"
PLACES_VARIABLE = "SLOTFORGE_MODEL_AT_ONCE"
AT_ONCE = 8


@dataclass(kw_only=True)
class Server:
    """When questions to one server may go.

    name: for messages.
    at_once: questions under way.
    per_minute: questions at most.
    clock: seconds; sleep: waits.
    trouble: what the last question to it met instead of an answer, so far; empty where it was answered.
    shut_until: by the clock, as it asked.
    """

    name: str
    at_once: int = AT_ONCE
    per_minute: float = math.inf
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    trouble: str = ""
    shut_until: float = 0.0
    _next: float = 0.0

    def __post_init__(self) -> None:
        self.places = asyncio.Semaphore(self.at_once)

    def hold(self, seconds: float) -> None:
        """Let no question go for so long, as the server asks."""
        self.shut_until = max(self.shut_until, self.clock() + seconds)

    async def turn(self, ledger: Ledger, *, pause: float = 0.0) -> None:
        """Wait until the next question may go: for a pause at least, as long as the server asks, and by the rate.

        Raises:
            BudgetExhausted: the time of the budget ends before that.
        """
        now = self.clock()
        mine = max(now, self._next)
        self._next = mine + 60 / self.per_minute
        left = max(pause, self.shut_until - now, mine - now)
        while left > 0:
            await self.rest(ledger, left)
            left = self.shut_until - self.clock()

    async def rest(self, ledger: Ledger, seconds: float) -> None:
        """Ask nothing for so long; raises BudgetExhausted where the time of the budget ends before that."""
        await self.sleep(min(seconds, max(0.0, ledger.time_left())))
        if ledger.time_left() <= 0:
            raise BudgetExhausted(f"the time is over before {self.name} answered")


def rate() -> float:
    """Read how many questions a minute a server takes; without a limit where the environment says nothing."""
    text = os.environ.get(RATE_VARIABLE, "")
    try:
        per_minute = float(text) if text else math.inf
    except ValueError:
        per_minute = 0.0
    if not per_minute > 0:
        raise UsageError(f"{RATE_VARIABLE}='{text}': expected a number of questions a minute above 0")
    return per_minute


def places() -> int:
    """Read how many questions to a server may be under way; AT_ONCE where the environment says nothing."""
    text = os.environ.get(PLACES_VARIABLE, "")
    if text and not (text.isdecimal() and int(text) > 0):
        raise UsageError(f"{PLACES_VARIABLE}='{text}': expected a whole number above 0")
    return int(text) if text else AT_ONCE
