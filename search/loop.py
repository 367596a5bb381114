"""The search: one candidate after another from a question to a stored answer, several under way at once.

Trial n is asked for when exactly the trials up to n - window have been told, and trials are told in their order. So the
course of a search depends on its seed and the answers alone, never on which worker was quicker; and to resume is to run
the same loop again, with the trials that the store has taken from there. The first trial that the budget cuts short is
the last that was asked for, but for those under way: what becomes of these is kept, and nobody goes on from it.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from numpy.random import Generator

from slotforge.core.errors import BudgetExhausted, BuildError, ModelError, NotRecorded
from slotforge.core.ids import generator
from slotforge.core.seams import Domain, Store, Strategy
from slotforge.core.types import Call, Candidate, Request, Trial, TrialState
from slotforge.search.archive import NO_ANSWER, Archive
from slotforge.search.copies import Copies
from slotforge.search.novelty import Novelty
from slotforge.search.observer import Observer
from slotforge.search.proposers.dialogue import Dialogue, said
from slotforge.search.race import Race, Result
from slotforge.search.recorded import Recorded

TIME_OVER = "the time is over"
MODEL_FAILURES = 3  # in a row: then the model is taken to be down


class Clock(Protocol):
    """Says whether another trial may start, and when those under way must end."""

    def may_start(self, number: int) -> bool:
        """Whether the budget has room for trial `number`."""

    def time_left(self) -> float:
        """Seconds; infinite without a limit."""


@dataclass(kw_only=True)
class Search:
    """Everything that a search needs, handed in.

    archive: begins with the baseline's trial, and with those of the built-in policies.
    builtins: the trials of the built-in policies; proposals that repeat one are not paid for again.
    open_dialogue: makes the talk with the proposer for a trial, with the archive as it stands.
    window: trials under way at once; a parent is at most so many trials old.
    learn: told each trial in order, as the strategy is; an ensemble learns from it which member to ask.
    trouble: says what the last question to the model met instead of an answer, if it has none yet.
    novelty: refuses proposals that are too close to what has lost; nothing, unless it is told how close that is.
    stopped: why the search ended before its budget, or empty.
    interrupted: whether it ended in a way that is to be resumed.
    failure: why it ended so, when that was not the user's wish.
    """

    run_id: str
    seed: int
    domain: Domain
    archive: Archive
    strategy: Strategy
    open_dialogue: Callable[[int, Request, Archive, Callable[[Call], None]], Dialogue]
    race: Race
    store: Store
    budget: Clock
    observer: Observer
    window: int = 4
    builtins: Sequence[Trial] = ()
    learn: Callable[[Archive, Trial], None] = lambda *_: None
    trouble: Callable[[], str] = lambda: ""
    novelty: Novelty | None = None
    stopped: str = ""
    interrupted: bool = False
    failure: str = ""
    _cut: bool = False
    _answered: bool = False
    _kept: set[int] = field(default_factory=set)
    _unanswered: list[Trial] = field(default_factory=list)
    _under_way: deque[asyncio.Task[Trial | None]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._copies = Copies(
            domain=self.domain,
            executor=self.race.executor,
            begun=self.builtins,
            novelty=self.novelty,
            probe=2 * self.race.block,
        )
        self._recorded = Recorded(store=self.store, run=self.run_id)

    async def run(self) -> None:
        """Search until the budget is spent, the model is down, or `interrupt` is called; what is recorded stays."""
        for known in (self.archive.baseline, *self.builtins):
            self._copies.know(known)
        number = 1
        try:
            while True:
                while len(self._under_way) < self.window and self._may_start(number):
                    self._under_way.append(asyncio.create_task(self._carry(number, *self._ask(number))))
                    number += 1
                if not self._under_way:
                    return self._end()
                trial = await self._under_way[0]
                self._under_way.popleft()
                if trial is None:
                    self._cut = True
                else:
                    self._tell(trial)
                if self.failure:  # nobody is told of what was answered meanwhile: it comes after what is made anew
                    return None
        except asyncio.CancelledError:
            if not self.interrupted:
                raise
        finally:
            self._abandon()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    def stop(self, reason: str) -> None:
        """Note why the search ends."""
        self.stopped = self.stopped or reason

    def interrupt(self, reason: str = "interrupted") -> None:
        """End at once; what is under way is dropped, and made again when the run is resumed."""
        self.stop(reason)
        self.interrupted = True
        self._abandon()

    def _give_up(self, reason: str) -> None:
        """End at once, for the model is down."""
        if not self.interrupted:
            self.stopped, self.failure = reason, reason.removeprefix(NO_ANSWER)
        self.interrupt(reason)

    def _end(self) -> None:
        """Keep the last trials without an answer, unless no question at all was answered; say if the time is over."""
        made, most = len(self.archive.trials) - 1, self.archive.horizon
        if self.budget.time_left() <= 0 and (most is None or made < most):
            self.stop(TIME_OVER)
        if len(self._unanswered) == len(self.archive.trials) - 1:
            if self._unanswered:
                self._give_up(self._unanswered[-1].reason)
            elif not self._answered and (trouble := self.trouble()):
                self._give_up(f"{trouble}; {self.stopped}")
        if not self.interrupted:
            self._record(*self._unanswered)

    def _abandon(self) -> None:
        for task in self._under_way:
            task.cancel()

    def _may_start(self, number: int) -> bool:
        """Whether to go on to a trial: a new one within the budget, or one up to the last that is recorded.

        Only a trial whose turn it was to be told ends that, whichever was cut short first: so it is the same each time.
        """
        if self._cut or self.interrupted:
            return False
        return number <= self._recorded.last or self.budget.may_start(number)

    def _rng(self, number: int, purpose: str) -> Generator:
        return generator(self.seed, number, purpose)

    def _ask(self, number: int) -> tuple[Request, Trial, Dialogue]:
        """Fix all that a trial takes from the archive before anything else can change it."""
        request = self.strategy.ask(self.archive, self._rng(number, "ask"))
        dialogue = self.open_dialogue(number, request, self.archive, lambda call: self._keep(number, call))
        return request, self.archive.incumbent, dialogue

    def _keep(self, number: int, call: Call) -> None:
        """Record an exchange; one that was paid for is safe before anything else happens."""
        self._answered = True
        self.store.record_call(self.run_id, number, call)
        if call.completion.output_tokens:
            self.store.flush()

    async def _carry(self, number: int, request: Request, incumbent: Trial, dialogue: Dialogue) -> Trial | None:
        """Bring one trial to its end and record it, or take it from the record.

        A trial without an answer, and those that end after it, are recorded once a later one is told that has an
        answer: if the model is down instead, they are made anew when the run is resumed. One that the budget cuts
        short is dropped.
        """
        if recorded := self._recorded.get(number):
            self._kept.add(number)
            return _light(recorded)
        if not self.budget.may_start(number):
            return None
        left = self.budget.time_left()
        try:
            async with asyncio.timeout(None if math.isinf(left) else left) as limit:
                candidate, result = await self._attempt(number, request, incumbent, dialogue)
        except TimeoutError:
            if not limit.expired():
                raise
            self.stop(TIME_OVER)
            return None
        if result is None:
            return None
        trial = Trial(
            run=self.run_id,
            number=number,
            operator=request.operator,
            slots=_written(request, candidate),
            parents=tuple(parent.id for parent in request.parents),
            candidate=candidate,
            calls=tuple(dialogue.calls),
            **result.fields,
        )
        if not self._unanswered and not _unanswered(trial):
            self.store.record(trial)
            self._kept.add(number)
        return _light(trial)

    def _record(self, *trials: Trial) -> None:
        """Keep trials that are told, unless that was done."""
        for trial in trials:
            if trial.number in self._kept:
                self._kept.remove(trial.number)
            else:
                self.store.record(trial)

    async def _attempt(
        self, number: int, request: Request, incumbent: Trial, dialogue: Dialogue
    ) -> tuple[Candidate | None, Result | None]:
        """Ask, check, build and race; what fails goes back to the proposer as long as it and the budget allow.

        The first candidate that is evaluated ends the trial, whatever became of it: so a trial is one evaluation at
        most, and none is without a record. A copy by behaviour, which two blocks of instances show, is none, unless
        these are all: what it did there stands in the record of what it copies.

        Returns:
            The last candidate and how it ended; no result when the budget did not allow the first question.
        """
        candidate, result, copies_s, last = None, None, 0.0, self._newest(number)
        twin_of = partial(self._copies.behaving, last=last)
        ask: Callable[[], Awaitable[Mapping[str, str]]] = dialogue.first
        while True:
            try:
                candidate = request.parents[0].with_slots(await ask())
                refused = await self._copies.refused(candidate, request, self.archive.trials, last)
                result = refused or await self.race.run(candidate, incumbent, twin_of)
            except BuildError as error:
                result = Result(state=TrialState.FAILED, reason=str(error), log=error.log)
            except ModelError as error:
                if result is not None and isinstance(error, NotRecorded):  # the answer went back to nobody
                    return candidate, result
                return candidate, Result(state=TrialState.FAILED, reason=f"{NO_ANSWER}{error}", copies_s=copies_s)
            except BudgetExhausted as error:
                if result is None:  # which cuts the search short
                    self.stop(str(error))
                return candidate, result
            if copies_s:
                result = replace(result, copies_s=copies_s)
            if result.ran or not dialogue.may_repair:
                return candidate, result
            copies_s = result.cpu_s
            ask = dialogue.repairing(candidate, result.reason)

    def _newest(self, number: int) -> int:
        """Number the newest trial that trial `number` may know of."""
        return max(0, number - self.window)

    def _tell(self, trial: Trial) -> None:
        self.archive.add(trial)
        self._copies.tell(trial)
        if not self._cut:  # what a strategy is told of must be what it asked for, without a gap
            self.learn(self.archive, trial)
            self.strategy.tell(self.archive, trial)
        self.observer.told(trial, self.archive)
        nobody_was_asked = not trial.model  # which says nothing of whether the model is down
        if not _unanswered(trial) and not (nobody_was_asked and self._unanswered):
            self._record(*self._unanswered, trial)
            self._unanswered.clear()
            return
        self._unanswered.append(trial)
        if sum(_unanswered(one) and one.number not in self._kept for one in self._unanswered) >= MODEL_FAILURES:
            self._give_up(trial.reason)


def _written(request: Request, candidate: Candidate | None) -> tuple[str, ...]:
    """Name the slots that were written anew: of several that were asked for, some may have stayed as they were."""
    if candidate is None or len(request.slots) == 1:
        return request.slots
    parent = request.parents[0]
    return tuple(s for s in request.slots if candidate.slots.get(s) != parent.slots.get(s)) or request.slots


def _light(trial: Trial) -> Trial:
    """Keep of the exchanges what strategies go on from; the store has them, and a long search need not hold them."""
    model = trial.calls[-1].completion.model if trial.calls else ""
    usd = sum(call.completion.usd for call in trial.calls)
    return trial.model_copy(update={"calls": (), "log": {}, "said": said(trial.calls), "model": model, "usd": usd})


def _unanswered(trial: Trial) -> bool:
    return trial.reason.startswith(NO_ANSWER)
