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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from slotforge.core.errors import ModelError, Unreachable
from slotforge.search.proposers._retry import FIRST_PAUSE_S, LONGEST_PAUSE_S
from slotforge.search.proposers.offline import NAME as OFFLINE

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Proposer
    from slotforge.core.types import Completion, Prompt, Request
    from slotforge.search.budget import Ledger
    from slotforge.search.proposers._server import Server

OTHERS_ANSWER = "the other models answer until it does"

log = logging.getLogger("slotforge.model")


@runtime_checkable
class Asked(Protocol):
    """A proposer behind a server."""

    spec: str
    server: Server
    ledger: Ledger

    @property
    def alive(self) -> Callable[[], Awaitable[bool]]:
        """What looks whether the server is there."""

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer; raises Unreachable where the server is down."""

    async def ask(self, prompt: Prompt, request: Request, *, tries: int) -> Completion:
        """Answer within so many tries."""


async def there() -> bool:
    """Take a server to be there: where nothing else can be asked, the next question finds out."""
    return True


@dataclass(kw_only=True)
class Breaker:
    """Asks a model while its server answers."""

    inner: Asked
    _next_look: float = 0.0  # by the clock of the server, while it is down
    _open: bool = False
    _error: ModelError = field(default_factory=ModelError)
    _pause: float = FIRST_PAUSE_S
    _look: asyncio.Lock = field(default_factory=asyncio.Lock)

    says: ClassVar[str] = ""
    waits: ClassVar[bool] = False
    stand_ins: ClassVar[Sequence[str]] = ()

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer by the model; what is done while its server is down is for others to say."""
        if not self._open:
            try:
                return self._closed(await self.inner.complete(prompt, request, rng))
            except Unreachable as error:
                self._break(error, self.says)
        return await self.while_down(prompt, request, rng)

    async def if_up(self, prompt: Prompt, request: Request) -> Completion:
        """Answer at the first try or not at all; whatever is not answered opens the circuit, for others can be asked.

        Raises:
            ModelError: what the last question met, also where the model is left alone.
        """
        if self.rests_s > 0 or self._look.locked():
            raise self._met()
        try:
            if not self._open:
                return self._closed(await self.inner.ask(prompt, request, tries=1))
            if answer := await self._if_due(prompt, request):
                return answer
        except ModelError as error:
            self._break(error, OTHERS_ANSWER)
            if self.rests_s <= 0:
                self._rest()
            raise
        raise self._met()

    async def insist(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer by the model, with all its tries, though its server may be down; raises ModelError."""
        try:
            return self._closed(await self.inner.complete(prompt, request, rng))
        except ModelError:
            self._rest()
            raise

    @property
    def in_use(self) -> bool:
        """Whether its last question was answered, as far as is known."""
        return not self._open

    @property
    def rests_s(self) -> float:
        """Seconds from now for which the model is left alone: until the next look, or as its server has asked."""
        until = max(self._next_look if self._open else 0.0, self.server.shut_until)
        return max(0.0, until - self.server.clock())

    def _met(self) -> ModelError:
        """Make the error that the last question met anew."""
        if self._open:
            return type(self._error)(str(self._error))
        return Unreachable(self.server.trouble or f"{self.server.name} asks for a pause")

    @property
    def server(self) -> Server:
        """Where the model is."""
        return self.inner.server

    @property
    def stand_in(self) -> Proposer | None:
        """Who answers where no model does."""
        return None

    async def while_down(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer a question that has met a server that is down; here, ask all the same."""
        return await self.insist(prompt, request, rng)

    def _closed(self, completion: Completion) -> Completion:
        """Close the circuit, for there is an answer."""
        if self._open:
            log.warning("%s answers again", self.inner.server.name)
        self._open, self._pause = False, FIRST_PAUSE_S
        return completion

    async def _try(self, prompt: Prompt, request: Request) -> Completion | None:
        """Look whether the server is there, and if so, ask once."""
        if not await self.inner.alive():
            self._error = Unreachable(f"{self.server.name} is not there")
            return None
        try:
            return self._closed(await self.inner.ask(prompt, request, tries=1))
        except Unreachable as error:
            self._error = error
            log.info("%s", error)
        return None

    async def _if_due(self, prompt: Prompt, request: Request) -> Completion | None:
        """Look if it is time to, and nobody does already."""
        if self._look.locked() or self.server.clock() < self._next_look:
            return None
        async with self._look:
            if answer := await self._try(prompt, request):
                return answer
            self._rest()
        return None

    def _break(self, error: ModelError, says: str) -> None:
        if not self._open:
            log.warning("%s; %s", error, says)
        self._open, self._error = True, error

    def _rest(self) -> None:
        """Leave the server alone for the next pause."""
        self._next_look = self.server.clock() + self._next_pause()

    def _next_pause(self) -> float:
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE_S)
        return pause


@dataclass(kw_only=True)
class Waiting(Breaker):
    """Waits until the server answers, or the time of the budget is over."""

    says: ClassVar[str] = "waiting until it answers"
    waits: ClassVar[bool] = True

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

    says: ClassVar[str] = "variation without a model answers until it does"
    stand_ins: ClassVar[Sequence[str]] = (OFFLINE,)

    @property
    def stand_in(self) -> Proposer | None:
        """Variation."""
        return self.offline

    async def while_down(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Look if it is time to, and else let variation answer."""
        return await self._if_due(prompt, request) or await self.offline.complete(prompt, request, rng)

    def _break(self, error: ModelError, says: str) -> None:
        if not self._open:
            self._rest()
        super()._break(error, says)
