"""Proposers for tests: one whose every proposal comes to nothing, and one that has its price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotforge.core.types import Completion
from slotforge.prompts.render import answer, holds_code
from slotforge.search.proposers.offline import Offline

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.types import Prompt, Request
    from slotforge.search.budget import Ledger

NO_CODE = "I would rather not."
FAILING = ("wrong", "crash", "loop", "broken", "2.5")  # what the landscape refuses, or suffers from


@dataclass(frozen=True)
class Failing:
    """Answers without code, or by code that fails in one of the ways that the landscape knows."""

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Draw a way to fail."""
        bad = rng.choice([NO_CODE, *FAILING])
        if bad == NO_CODE or not holds_code(prompt.operator):
            return Completion(text=NO_CODE, model="failing")
        return Completion(text=answer(dict.fromkeys(request.slots, str(bad)), idea="It fails."), model="failing")


@dataclass(frozen=True)
class Priced:
    """Varies code as without a model, at the same price for every answer.

    paid: counts the answers.
    """

    inner: Offline
    ledger: Ledger
    tokens: int = 0
    usd: float = 0.0

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer, once the price is set aside."""
        async with self.ledger.reserve(tokens=self.tokens, usd=self.usd) as bill:
            made = await self.inner.complete(prompt, request, rng)
            bill.settle(tokens=self.tokens, usd=self.usd)
        return made.model_copy(update={"model": "priced", "input_tokens": self.tokens, "usd": self.usd})
