"""The search: one candidate after another from a question to a stored answer, several under way at once.

Trial n is asked for when exactly the trials up to n - window have been told, and trials are told in their order. So the
course of a search depends on its seed and the answers alone, never on which worker was quicker; and to resume is to run
the same loop again, with the trials that the store has taken from there. The first trial that the budget cuts short is
the last that was asked for, but for those under way: what becomes of these is kept, and nobody goes on from it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from slotforge.core.errors import BudgetExhausted
from slotforge.core.ids import generator
from slotforge.core.seams import Domain, Store, Strategy
from slotforge.core.types import Call, Request, Trial
from slotforge.search.archive import NO_ANSWER, Archive
from slotforge.search.attempts import TIME_OVER, Asked, Attempts, Clock, light
from slotforge.search.copies import Copies
from slotforge.search.keeper import Keeper
from slotforge.search.novelty import Novelty
from slotforge.search.observer import Observer
from slotforge.search.proposers.dialogue import Dialogue
from slotforge.search.race import Race


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
    _under_way: deque[asyncio.Task[Trial | None]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._copies = Copies(
            domain=self.domain,
            executor=self.race.executor,
            begun=self.builtins,
            novelty=self.novelty,
            probe=2 * self.race.block,
        )
        self._attempts = Attempts(
            run=self.run_id, archive=self.archive, copies=self._copies, race=self.race, budget=self.budget
        )
        self._keeper = Keeper(store=self.store, run=self.run_id)

    async def run(self) -> None:
        """Search until the budget is spent, the model is down, or `interrupt` is called; what is recorded stays."""
        for known in (self.archive.baseline, *self.builtins):
            self._copies.know(known)
        number = 1
        try:
            while True:
                while len(self._under_way) < self.window and self._may_start(number):
                    self._under_way.append(asyncio.create_task(self._carry(self._ask(number))))
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

    def _may_start(self, number: int) -> bool:
        """Whether to go on to a trial: a new one within the budget, or one up to the last that is recorded.

        Only a trial whose turn it was to be told ends that, whichever was cut short first: so it is the same each time.
        """
        if self._cut or self.interrupted:
            return False
        return self._keeper.has(number) or self.budget.may_start(number)

    def _ask(self, number: int) -> Asked:
        """Let the strategy say what to try."""
        request = self.strategy.ask(self.archive, generator(self.seed, number, "ask"))
        return Asked(
            number=number,
            request=request,
            incumbent=self.archive.incumbent,
            dialogue=self.open_dialogue(
                number, request, self.archive, lambda call: self._keeper.exchange(number, call)
            ),
            last=max(0, number - self.window),
        )

    async def _carry(self, asked: Asked) -> Trial | None:
        """Bring one trial to its end and record it, or take it from the record; one that is cut short is dropped."""
        if recorded := self._keeper.known(asked.number):
            return light(recorded)
        if not self.budget.may_start(asked.number):
            return None
        try:
            trial = await self._attempts.make(asked)
        except BudgetExhausted as error:
            self.stop(str(error))
            return None
        self._keeper.made(trial)
        return light(trial)

    def _tell(self, trial: Trial) -> None:
        self.archive.add(trial)
        self._copies.tell(trial)
        if not self._cut:  # what a strategy is told of must be what it asked for, without a gap
            self.learn(self.archive, trial)
            self.strategy.tell(self.archive, trial)
        self.observer.told(trial, self.archive)
        if self._keeper.told(trial):
            self._give_up(trial.reason)

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
        made, most, waiting = len(self.archive.trials) - 1, self.archive.horizon, self._keeper.waiting
        if self.budget.time_left() <= 0 and (most is None or made < most):
            self.stop(TIME_OVER)
        if len(waiting) == made:
            if waiting:
                self._give_up(waiting[-1].reason)
            elif not self._keeper.answered and (trouble := self.trouble()):
                self._give_up(f"{trouble}; {self.stopped}")
        if not self.interrupted:
            self._keeper.settle()

    def _abandon(self) -> None:
        for task in self._under_way:
            task.cancel()
