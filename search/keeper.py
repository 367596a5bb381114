"""What is kept of a search, and when: a model that is down leaves no trial behind, for these can be made anew.

So a trial without an answer, and those that end after it, are recorded once a later one is told that has an answer, or
the search ends otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from slotforge.core.seams import Store
from slotforge.core.types import Call, Trial
from slotforge.search.archive import NO_ANSWER
from slotforge.search.recorded import Recorded

MODEL_FAILURES = 3  # in a row: then the model is taken to be down


@dataclass(kw_only=True)
class Keeper:
    """Records the trials and exchanges of a run, and has those that were recorded before.

    answered: whether any question was, since the search began or was gone on with.
    waiting: the trials at the end of those that were told, as far back as no answer came.
    """

    store: Store
    run: str
    answered: bool = field(default=False, init=False)
    waiting: list[Trial] = field(default_factory=list, init=False)
    _kept: set[int] = field(default_factory=set, init=False)
    _whole: dict[int, Trial] = field(default_factory=dict, init=False)  # those that wait, with all that the store keeps

    def __post_init__(self) -> None:
        self._recorded = Recorded(store=self.store, run=self.run)

    def has(self, number: int) -> bool:
        """Whether this trial or a later one was recorded before."""
        return number <= self._recorded.last

    def known(self, number: int) -> Trial | None:
        """Return a trial that was recorded before."""
        if trial := self._recorded.get(number):
            self._kept.add(number)
        return trial

    def exchange(self, number: int, call: Call) -> None:
        """Record an exchange; one that was paid for is safe before anything else happens."""
        self.answered = True
        self.store.record_call(self.run, number, call)
        if call.completion.output_tokens:
            self.store.flush()

    def made(self, trial: Trial) -> None:
        """Record a trial that has ended, unless it has to wait until it is told."""
        if self.waiting or _unanswered(trial):
            self._whole[trial.number] = trial
        else:
            self.store.record(trial)
            self._kept.add(trial.number)

    def told(self, trial: Trial) -> bool:
        """Record a trial, unless that was done, or let it wait for an answer; say whether the model is down."""
        nobody_was_asked = not trial.model  # which says nothing of whether the model is down
        if not _unanswered(trial) and not (nobody_was_asked and self.waiting):
            self.settle(trial)
            return False
        self.waiting.append(trial)
        return sum(_unanswered(one) and one.number not in self._kept for one in self.waiting) >= MODEL_FAILURES

    def settle(self, *trials: Trial) -> None:
        """Record what waits, and these trials."""
        for trial in (*self.waiting, *trials):
            if trial.number in self._kept:
                self._kept.remove(trial.number)
            else:
                self.store.record(self._whole.pop(trial.number))
        self.waiting.clear()


def _unanswered(trial: Trial) -> bool:
    return trial.reason.startswith(NO_ANSWER)
