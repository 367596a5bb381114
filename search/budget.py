"""The budget of a run: tokens and dollars are reserved before a call and settled after it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from slotforge.core.errors import BudgetExhausted, StoreError
from slotforge.core.types import Budget, Spending

DUST = 1e-9  # dollars; what sums of floating-point numbers may be off by


class Spent(Protocol):
    """What a run has spent before, e.g. as the store knows it."""

    @property
    def tokens(self) -> int:
        """Tokens read and written."""

    @property
    def usd(self) -> float:
        """Dollars."""

    @property
    def seconds(self) -> float:
        """Time."""


@dataclass
class Bill:
    """What one call costs: the most that it may, until it is known what it was."""

    tokens: int = 0
    usd: float = 0.0
    settled: bool = False

    def settle(self, *, tokens: int = 0, usd: float = 0.0) -> None:
        """Write what it was: what the server counts, or nothing where the server refused."""
        self.tokens, self.usd, self.settled = tokens, usd, True


class Ledger:
    """Accounts of one run against its budget.

    It belongs to one event loop. A call that fits into what is left, but not together with what calls under way have
    reserved, waits until these are settled. A call that ends without an answer may have been billed all the same, so
    it counts as the most that it may have cost.
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
        self.keep: Callable[[Spending], None] = lambda _: None
        self._seconds_before = spent.seconds if spent else 0.0
        self._reserved = Bill()
        self._lost = Bill()
        self._clock = clock
        self._begin = clock()
        self._settled = asyncio.Event()

    def may_start(self, number: int) -> bool:
        """Whether trial `number`, counted from 1, is within the budget; what its calls may cost is seen with these."""
        return (self.budget.evals is None or number <= self.budget.evals) and self.time_left() > 0

    def time_left(self) -> float:
        """Seconds that are left; infinite without a limit."""
        if self.budget.time_s is None:
            return math.inf
        return self.budget.time_s - self._seconds_before - (self._clock() - self._begin)

    def more_than_half_left(self) -> bool:
        """Whether more than half of the time is left, which what comes before the search leaves to it."""
        return self.budget.time_s is None or self.time_left() > self.budget.time_s / 2

    def save(self) -> None:
        """Keep what stands in no exchange: the time, and what calls without an answer may have cost."""
        self.keep(
            Spending(
                seconds=self._clock() - self._begin,
                tokens=self._lost.tokens + self._reserved.tokens,
                usd=self._lost.usd + self._reserved.usd,
            )
        )

    @asynccontextmanager
    async def kept(self, keep: Callable[[Spending], None], *, every_s: float = 5.0) -> AsyncIterator[None]:
        """Keep the accounts up to date for the length of a block, so that whatever ends the process, little is lost."""
        self.keep = keep
        self.save()

        async def save_again_and_again() -> None:
            while True:
                await asyncio.sleep(every_s)
                with suppress(StoreError):  # the next time may do
                    self.save()

        saving = asyncio.create_task(save_again_and_again())
        try:
            yield
        except BaseException:
            with suppress(StoreError):
                self.save()
            raise
        else:
            self.save()
        finally:
            saving.cancel()

    @asynccontextmanager
    async def reserve(self, *, tokens: int, usd: float) -> AsyncIterator[Bill]:
        """Set aside what a call may cost at most, for as long as the block lasts.

        Args:
            tokens: read and written, at most.
            usd: dollars, at most.

        Yields:
            The bill, which the caller settles when it is known what the call was.

        Raises:
            BudgetExhausted: the call could pass a limit, or the time is over.
        """
        while not self._fits(tokens + self._reserved.tokens, usd + self._reserved.usd):
            self._refuse(tokens, usd)
            await self._settled.wait()
        self._reserved.tokens += tokens
        self._reserved.usd += usd
        bill = Bill(tokens, usd)
        try:
            self.save()
            yield bill
        finally:
            self.tokens += bill.tokens
            self.usd += bill.usd
            self._reserved.tokens -= tokens
            self._reserved.usd -= usd
            if not bill.settled:
                self._lost.tokens += bill.tokens
                self._lost.usd += bill.usd
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
