"""OPRO: the model reads the best ideas so far with their scores, the best last, and writes one that scores higher.

Source: Yang et al. 2023, "Large Language Models as Optimizers", arXiv:2309.03409, sections 2 and 5.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial, TrialState
from slotforge.search.archive import better
from slotforge.search.strategies._common import at_least, candidate_of, ratio_of
from slotforge.search.strategies._slots import one_of

MAX_IDEA = 300  # characters


@dataclass(frozen=True, kw_only=True, order=True)
class Solution:
    """An idea with what it came to.

    ratio: of cost; of a proposal that was raced out, at least that of what it was raced against.
    """

    ratio: float
    number: int
    idea: str

    @property
    def line(self) -> str:
        """The score, in whole percent of the speed of the reference, and the idea."""
        return f"score {round(100 / self.ratio)}: {self.idea}"


@dataclass(kw_only=True)
class Opro:
    """Asks several times with the same trajectory, always for a change of the best.

    shown: ideas in the trajectory.
    samples: trials with the same trajectory.
    """

    shown: int = 20
    samples: int = 8
    _solutions: list[Solution] = field(default_factory=list, init=False)
    _request: Request | None = field(default=None, init=False)
    _asked: int = field(default=0, init=False)

    operators: ClassVar[Sequence[str]] = ("opro",)

    def __post_init__(self) -> None:
        at_least(1, shown=self.shown, samples=self.samples)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for an idea that scores higher than all in the trajectory, in one slot."""
        if self._request is None:
            for seed in archive.seeds:
                self._add(seed, ratio_of(seed))
        if self._request is None or self._asked % self.samples == 0:
            self._request = Request(
                operator="opro",
                parents=(candidate_of(archive.incumbent),),
                slots=one_of(archive.slots, rng),
                told={"trajectory": "\n".join(solution.line for solution in reversed(self._solutions))},
            )
        self._asked += 1
        return self._request

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Take what was measured into the trajectory, and move to what is strictly better."""
        if trial.scored:
            self._add(trial, ratio_of(trial))
        if trial.state is TrialState.RACED_OUT:
            self._add(trial, max(ratio_of(trial), ratio_of(archive.incumbent)))
        if better(trial, archive.incumbent):
            archive.promote(trial)

    def _add(self, trial: Trial, ratio: float) -> None:
        """Keep the best ideas, each once."""
        idea = " and ".join(trial.slots) + ": " + _idea(trial) if trial.slots else _idea(trial)
        known = next((solution for solution in self._solutions if solution.idea == idea), None)
        if known and known.ratio <= ratio:
            return
        if known:
            self._solutions.remove(known)
        insort(self._solutions, Solution(ratio=ratio, number=trial.number, idea=idea))
        del self._solutions[self.shown :]


def _idea(trial: Trial) -> str:
    """Return the idea that a model gave, or the name of a built-in policy."""
    text = trial.said.get("idea") or (trial.operator if trial.number < 0 else "the solver as it ships")
    return text if len(text) <= MAX_IDEA else text[: MAX_IDEA - 3] + "..."


strategy = Opro
