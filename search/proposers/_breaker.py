"""What is done when the server of a model is down: wait until it answers again, or let variation answer meanwhile.

A circuit breaker: after a question that got no answer in all its tries the server is left alone, but for a look now and
then, at intervals that double from a second to a minute. A look costs nothing; the first question after a look that
finds the server there decides whether it is up again. Who answered is recorded with each answer, so that a run that is
resumed or replayed need not know when the server was down.

Source: Nygard, "Release It!", 2007, on circuit breakers.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from slotforge.core.errors import Unreachable
from slotforge.search.proposers._retry import FIRST_PAUSE_S, LONGEST_PAUSE_S
from slotforge.search.proposers.offline import NAME as OFFLINE

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Proposer
    from slotforge.core.types import Completion, Prompt, Request
    from slotforge.search.budget import Ledger
    from slotforge.search.proposers._server import Server

log = logging.getLogger("slotforge.model")


class Asked(Protocol):
    """A proposer behind a server."""

    server: Server
    ledger: Ledger

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer; raises Unreachable where the server is down."""

    async def ask(self, prompt: Prompt, request: Request, *, tries: int) -> Completion:
        """Answer within so many tries."""


@dataclass(kw_only=True)
class Breaker(ABC):
    """Asks a model while its server answers.

    alive: looks whether the server is there.
    """

    inner: Asked
    alive: Callable[[], Awaitable[bool]]
    _open: bool = False
    _pause: float = FIRST_PAUSE_S
    _look: asyncio.Lock = field(default_factory=asyncio.Lock)

    says: ClassVar[str] = ""
    stand_ins: ClassVar[Sequence[str]] = ()

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer by the model; what is done while its server is down is for others to say."""
        if not self._open:
            try:
                return self._closed(await self.inner.complete(prompt, request, rng))
            except Unreachable as error:
                self._break(error)
        return await self.while_down(prompt, request, rng)

    @property
    def server(self) -> Server:
        """Where the model is."""
        return self.inner.server

    @abstractmethod
    async def while_down(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer a question that has met a server that is down."""

    def _closed(self, completion: Completion) -> Completion:
        """Close the circuit, for there is an answer."""
        if self._open:
            log.warning("%s answers again", self.inner.server.name)
        self._open, self._pause = False, FIRST_PAUSE_S
        return completion

    async def _try(self, prompt: Prompt, request: Request) -> Completion | None:
        """Look whether the server is there, and if so, ask once."""
        if await self.alive():
            try:
                return self._closed(await self.inner.ask(prompt, request, tries=1))
            except Unreachable as error:
                log.info("%s", error)
        return None

    def _break(self, error: Unreachable) -> None:
        if not self._open:
            log.warning("%s; %s", error, self.says)
            self._open = True

    def _next_pause(self) -> float:
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE_S)
        return pause


@dataclass(kw_only=True)
class Waiting(Breaker):
    """Waits until the server answers, or the time of the budget is over."""

    says: ClassVar[str] = "waiting until it answers"

    async def while_down(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Look again and again, one question for all that wait."""
        async with self._look:
            while self._open:
                await self.inner.server.turn(self.inner.ledger, pause=self._next_pause())
                if answer := await self._try(prompt, request):
                    return answer
        return await self.complete(prompt, request, rng)


@dataclass(kw_only=True)
class StandingIn(Breaker):
    """Lets variation without a model answer, until the server does."""

    offline: Proposer
    _next: float = 0.0

    says: ClassVar[str] = "variation without a model answers until it does"
    stand_ins: ClassVar[Sequence[str]] = (OFFLINE,)

    async def while_down(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Look if it is time to, and else let variation answer."""
        if not self._look.locked() and self.inner.server.clock() >= self._next:
            async with self._look:
                if answer := await self._try(prompt, request):
                    return answer
                self._next = self.inner.server.clock() + self._next_pause()
        return await self.offline.complete(prompt, request, rng)

    def _break(self, error: Unreachable) -> None:
        if not self._open:
            self._next = self.inner.server.clock() + self._next_pause()
        super()._break(error)
