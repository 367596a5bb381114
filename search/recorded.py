"""The trials of a run that is gone on with, read a share at a time, so that a long run need not fit into memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slotforge.core.types import Trial, TrialState

if TYPE_CHECKING:
    from slotforge.core.seams import Store

SHARE = 500  # trials


def unjudged(trial: Trial) -> Trial:
    """Return a trial as it was recorded, before a verdict on its candidate."""
    return trial.model_copy(update={"state": TrialState.SCORED}) if trial.scored else trial


@dataclass(kw_only=True)
class Recorded:
    """What the store has of the proposals of a run when the search goes on.

    last: the highest number; some below it may be missing, for several trials were under way.
    """

    store: Store
    run: str
    last: int = field(init=False)
    _numbers: range = field(default=range(0), init=False)
    _share: Mapping[int, Trial] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.last = self.store.newest(self.run)

    def get(self, number: int) -> Trial | None:
        """Return a trial; they are asked for in the order of their numbers."""
        if number > self.last:
            return None
        if number not in self._numbers:
            self._numbers = range(number, min(number + SHARE, self.last + 1))
            self._share = self.store.trials(self.run, first=number, last=self._numbers[-1])
        found = self._share.get(number)
        return found and unjudged(found)
