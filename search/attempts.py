"""One trial from its question to how it ended."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from slotforge.core.errors import BudgetExhausted, BuildError, ModelError, NotRecorded
from slotforge.core.types import Candidate, Request, Trial, TrialState
from slotforge.search.archive import NO_ANSWER, Archive
from slotforge.search.copies import Copies
from slotforge.search.proposers.dialogue import Dialogue, said
from slotforge.search.race import Race, Result

TIME_OVER = "the time is over"


class Clock(Protocol):
    """Says whether another trial may start, and when those under way must end."""

    def may_start(self, number: int) -> bool:
        """Whether the budget has room for trial `number`."""

    def time_left(self) -> float:
        """Seconds; infinite without a limit."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """All that a trial takes from the archive, fixed before anything else can change it.

    last: the number of the newest trial that it may know of.
    """

    number: int
    request: Request
    incumbent: Trial
    dialogue: Dialogue
    last: int


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Carries out what a strategy asks for."""

    run: str
    archive: Archive
    copies: Copies
    race: Race
    budget: Clock

    async def make(self, asked: Asked) -> Trial:
        """Bring one trial to its end.

        Raises:
            BudgetExhausted: it was cut short.
        """
        left = self.budget.time_left()
        try:
            async with asyncio.timeout(None if math.isinf(left) else left) as limit:
                candidate, result = await self._answered(asked)
        except TimeoutError:
            if not limit.expired():
                raise
            raise BudgetExhausted(TIME_OVER) from None
        return Trial(
            run=self.run,
            number=asked.number,
            operator=asked.request.operator,
            slots=_written(asked.request, candidate),
            parents=tuple(parent.id for parent in asked.request.parents),
            candidate=candidate,
            calls=tuple(asked.dialogue.calls),
            **result.fields,
        )

    async def _answered(self, asked: Asked) -> tuple[Candidate | None, Result]:
        """Ask, check, build and race; what fails goes back to the proposer as long as it and the budget allow.

        The first candidate that is evaluated ends the trial, whatever became of it: so a trial is one evaluation at
        most, and none is without a record. A copy by behaviour, which two blocks of instances show, is none, unless
        these are all: what it did there stands in the record of what it copies.

        Returns:
            The last candidate and how it ended.

        Raises:
            BudgetExhausted: the first question could not be paid for.
        """
        candidate, result, copies_s, dialogue = None, None, 0.0, asked.dialogue
        twin_of = partial(self.copies.behaving, last=asked.last)
        ask: Callable[[], Awaitable[Mapping[str, str]]] = dialogue.first
        while True:
            try:
                candidate = asked.request.parents[0].with_slots(await ask())
                refused = await self.copies.refused(candidate, asked.request, self.archive.trials, asked.last)
                result = refused or await self.race.run(candidate, asked.incumbent, twin_of)
            except BuildError as error:
                result = Result(state=TrialState.FAILED, reason=str(error), log=error.log)
            except ModelError as error:
                if result is not None and isinstance(error, NotRecorded):  # the answer went back to nobody
                    return candidate, result
                return candidate, Result(state=TrialState.FAILED, reason=f"{NO_ANSWER}{error}", copies_s=copies_s)
            except BudgetExhausted:
                if result is None:
                    raise
                return candidate, result
            if copies_s:
                result = replace(result, copies_s=copies_s)
            if result.ran or not dialogue.may_repair:
                return candidate, result
            copies_s = result.cpu_s
            ask = dialogue.repairing(candidate, result.reason)


def light(trial: Trial) -> Trial:
    """Keep of the exchanges what strategies go on from; the store has them, and a long search need not hold them."""
    model = trial.calls[-1].completion.model if trial.calls else ""
    usd = sum(call.completion.usd for call in trial.calls)
    return trial.model_copy(update={"calls": (), "log": {}, "said": said(trial.calls), "model": model, "usd": usd})


def _written(request: Request, candidate: Candidate | None) -> tuple[str, ...]:
    """Name the slots that were written anew: of several that were asked for, some may have stayed as they were."""
    if candidate is None or len(request.slots) == 1:
        return request.slots
    parent = request.parents[0]
    return tuple(s for s in request.slots if candidate.slots.get(s) != parent.slots.get(s)) or request.slots
