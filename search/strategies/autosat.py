"""AutoSAT: advisor, coder and evaluator write each candidate, and a greedy hill climber or a (1+1)-EA keeps what helps.

Source: Sun et al. 2024, "AutoSAT: Automatically Optimize SAT Solvers via Large Language Models", arXiv:2402.10705. The
agents are the plan of the operator, see `search/proposers/dialogue/plans/autosat.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from numpy.random import Generator

from slotforge.core.seams import Archive, Strategy
from slotforge.core.types import Request, Trial
from slotforge.search.strategies._common import at_least
from slotforge.search.strategies.hill_climber import HillClimber
from slotforge.search.strategies.one_plus_one import OnePlusOne


@dataclass(frozen=True, kw_only=True)
class AutoSat:
    """Searches as one of two simpler strategies do, with candidates of the three agents.

    search: "greedy" takes the slots in turn and moves to what is strictly better; "one_plus_one" mutates several at
        once and moves to what is not worse.
    patience: trials that "greedy" spends on a slot before the next has its turn.
    """

    search: Literal["greedy", "one_plus_one"] = "greedy"
    patience: int = 4

    operators: ClassVar[Sequence[str]] = ("autosat",)

    def __post_init__(self) -> None:
        at_least(1, patience=self.patience)

    @property
    def _inner(self) -> Strategy:
        return HillClimber(patience=self.patience) if self.search == "greedy" else OnePlusOne()

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Let the agents write what the simpler strategy would have mutated."""
        return self._inner.ask(archive, rng).model_copy(update={"operator": "autosat"})

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Accept as the simpler strategy does."""
        self._inner.tell(archive, trial)


strategy = AutoSat
