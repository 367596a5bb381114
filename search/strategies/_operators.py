"""Which operator to ask for next, by what trials of each have gained and cost so far: see `slotforge.search.bandit`.

A strategy that draws among several operators has the setting `bandit`, which lets this draw in place of its paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Trial
from slotforge.search.bandit import Bandit, Gains


@dataclass
class OperatorBandit:
    """Chooses among operators.

    names: of the operators; others that a strategy asks for are none of its business.
    """

    names: Sequence[str]
    _gains: Gains = field(default_factory=Gains)

    def __post_init__(self) -> None:
        self._bandit = Bandit(size=len(self.names))

    def choose(self, among: Sequence[str], rng: Generator) -> str:
        """Draw one of some of the operators; its trial counts from now on."""
        return self.names[self._bandit.choose(rng, [self.names.index(name) for name in among])]

    def sent(self, name: str) -> None:
        """Count a trial of an operator that a schedule has chosen."""
        if name in self.names:
            self._bandit.sent(self.names.index(name))

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Learn from a trial; all must come here, in order. One that cost nothing tells nothing of what others cost."""
        gain = self._gains.of(archive, trial)
        if trial.operator in self.names:
            self._bandit.tell(self.names.index(trial.operator), gain, trial.usd or None)
