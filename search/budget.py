"""The budget of a run: tokens and dollars are reserved before a call and settled after it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from slotforge.core.errors import BudgetExhausted
from slotforge.core.types import Budget

DUST = 1e-9  # dollars; what sums of floating-point numbers may be off by


class Spent(Protocol):
    """What a run has spent before, e.g. as the store knows it."""

    @property
    def tokens(self) -> int:
        """Tokens read and written."""

    @property
    def usd(self) -> float:
        """Dollars."""


@dataclass
class Bill:
    """What one call cost, to be filled in by whoever made it; nothing if the call did not come about."""

    tokens: int = 0
    usd: float = 0.0


class Ledger:
    """Accounts of one run against its budget.

    It belongs to one event loop. A call that fits into what is left, but not together with what calls under way have
    reserved, waits until these are settled.
    """

    def __init__(
        self, budget: Budget, *, spent: Spent | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open the accounts.

        Args:
            budget: the limits; None is no limit.
            spent: what the run spent before it was interrupted.
            clock: seconds; time runs from now on.
        """
        self.budget = budget
        self.tokens = spent.tokens if spent else 0
        self.usd = spent.usd if spent else 0.0
        self._reserved = Bill()
        self._clock = clock
        self._begin = clock()
        self._settled = asyncio.Event()

    def may_start(self, number: int) -> bool:
        """Whether the budget has room for trial `number`, counted from 1."""
        evals, tokens, usd = self.budget.evals, self.budget.tokens, self.budget.usd
        return (
            (evals is None or number <= evals)
            and self.time_left() > 0
            and (tokens is None or self.tokens < tokens)
            and (usd is None or self.usd < usd)
        )

    def time_left(self) -> float:
        """Seconds that are left; infinite without a limit."""
        return math.inf if self.budget.time_s is None else self.budget.time_s - (self._clock() - self._begin)

    @asynccontextmanager
    async def reserve(self, *, tokens: int, usd: float) -> AsyncIterator[Bill]:
        """Set aside what a call may cost at most, for as long as the block lasts.

        Args:
            tokens: read and written, at most.
            usd: dollars, at most.

        Yields:
            The bill, on which the caller writes what it was in the end.

        Raises:
            BudgetExhausted: the call could pass a limit, or the time is over.
        """
        while not self._fits(tokens + self._reserved.tokens, usd + self._reserved.usd):
            self._refuse(tokens, usd)
            await self._settled.wait()
        self._reserved.tokens += tokens
        self._reserved.usd += usd
        bill = Bill()
        try:
            yield bill
        finally:
            self.tokens += bill.tokens
            self.usd += bill.usd
            self._reserved.tokens -= tokens
            self._reserved.usd -= usd
            self._settled.set()
            self._settled = asyncio.Event()

    def _fits(self, tokens: int, usd: float) -> bool:
        limit = self.budget
        return (
            self.time_left() > 0
            and (limit.tokens is None or self.tokens + tokens <= limit.tokens)
            and (limit.usd is None or self.usd + usd <= limit.usd + DUST)
        )

    def _refuse(self, tokens: int, usd: float) -> None:
        """Raise when a call would not fit even if nothing else were under way."""
        limit = self.budget
        if self.time_left() <= 0:
            raise BudgetExhausted(f"the time of {limit.time_s:g} s is over")
        if limit.tokens is not None and self.tokens + tokens > limit.tokens:
            raise BudgetExhausted(
                f"{self.tokens:,} of {limit.tokens:,} tokens are spent, and the next call may need {tokens:,}: "
                "raise --tokens to go on"
            )
        if limit.usd is not None and self.usd + usd > limit.usd + DUST:
            raise BudgetExhausted(
                f"{self.usd:.4f} of {limit.usd:g} USD are spent, and the next call may cost {usd:.4f}: "
                "raise --usd to go on"
            )
