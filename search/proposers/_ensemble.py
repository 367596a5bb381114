"""Several proposers, of which each trial draws one; where the model drawn has no answer, the others are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slotforge.core.errors import ModelError, Unreachable
from slotforge.search.bandit import Bandit, Gains
from slotforge.search.proposers._breaker import Asked, Breaker

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Archive, Proposer
    from slotforge.core.types import Completion, Prompt, Request, Trial

MOMENT_S = 0.1  # to wait for somebody who looks already


@dataclass
class Ensemble:
    """Several proposers, of which each trial draws one: by what the trials of each gained so far, and cost."""

    members: tuple[Proposer, ...]
    _gains: Gains = field(default_factory=Gains)
    _drawn: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._bandit = Bandit(size=len(self.members))
        self._models = _models(self.members)

    def choose(self, number: int, rng: Generator) -> Proposer:
        """Draw the member that answers trial `number`; whether it is down must not matter, for a run may be resumed."""
        place = self._drawn[number] = self._bandit.choose(rng)
        return self._at(place)

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Learn from a trial: it is the merit of who wrote it, and no merit of who was drawn and is down."""
        gain = self._gains.of(archive, trial)
        place = self._drawn.pop(trial.number, None)
        if place is None:  # nobody was asked
            return
        writer = self._writer(place, trial.model)
        if writer != place:
            self._bandit.tell(place, 0.0, None)
        if writer is not None:
            if writer != place:
                self._bandit.sent(writer)
            self._bandit.tell(writer, gain, trial.usd)

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Let any member answer."""
        return await self._at(int(rng.integers(len(self.members)))).complete(prompt, request, rng)

    def _at(self, place: int) -> Proposer:
        if place not in self._models or len(self._models) == 1:
            return self.members[place]
        size = len(self.members)
        return Relay(models=[self._models[p] for p in sorted(self._models, key=lambda p: (p - place) % size)])

    def _writer(self, place: int, model: str) -> int | None:
        """Return the place of who wrote a trial that a place was drawn for; None where nobody did, or a stand-in."""
        if not model or model in _stand_ins(self.members[place]):
            return None
        if place not in self._models:
            return place
        named = [p for p, one in self._models.items() if one.inner.spec == model]
        return place if place in named or not named else named[0]


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Asks the first of some models, and the others in turn while those before have no answer."""

    models: Sequence[Breaker]

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Answer by any model; where none has an answer, do what the first does while its server is down.

        Raises:
            ModelError: none has an answer, with what each met.
            BudgetExhausted: a limit could be passed, or the time is over.
        """
        first = self.models[0]
        while True:
            errors, news = [], any(model.in_use for model in self.models)
            for model in self.models:
                try:
                    return await model.if_up(prompt, request)
                except ModelError as error:
                    errors.append(error)
            down = [m for m, error in zip(self.models, errors, strict=True) if isinstance(error, Unreachable)]
            if not down:  # which no waiting mends
                raise ModelError(_all(errors))
            if first.waits:
                await first.server.rest(first.inner.ledger, max(MOMENT_S, min(model.rests_s for model in down)))
                continue
            if news or first.stand_in is None:
                try:
                    return await down[0].insist(prompt, request, rng)
                except ModelError as error:
                    errors.append(error)
            if first.stand_in is None:
                raise Unreachable(_all(errors))
            return await first.stand_in.complete(prompt, request, rng)


def _all(errors: Sequence[ModelError]) -> str:
    return "; ".join(dict.fromkeys(map(str, errors)))


def _models(members: Sequence[Proposer]) -> Mapping[int, Breaker]:
    """Return the members that are behind servers, by their places."""
    found = {}
    for place, member in enumerate(members):
        if isinstance(member, Breaker):
            found[place] = member
        elif isinstance(member, Asked):
            found[place] = Breaker(inner=member)
    return found


def _stand_ins(proposer: Proposer) -> Sequence[str]:
    """Name the models that answer instead of a proposer where it cannot."""
    names: Sequence[str] = getattr(proposer, "stand_ins", ())
    return names
