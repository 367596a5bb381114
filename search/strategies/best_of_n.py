"""Best of N: proposals from the point where the search begins, told of nothing but that; the best counts.

Source: the control of Zhang et al. 2024, "Understanding the Importance of Evolutionary Search in Automated Heuristic
Design with Large Language Models", arXiv:2407.10873: repeated sampling at the same budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.archive import better
from slotforge.search.strategies._common import candidate_of
from slotforge.search.strategies._slots import one_of


@dataclass(frozen=True, kw_only=True)
class BestOfN:
    """Asks as (1+1)-EPS does, but always for the same parent, so that the two differ by selection alone.

    N is the budget. The incumbent only serves racing.
    """

    operators: ClassVar[Sequence[str]] = ("eps_improve",)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for an improved version of one slot of the start."""
        start = candidate_of(archive.seeds[0])
        return Request(operator="eps_improve", parents=(start,), slots=one_of(archive.slots, rng))

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Remember the best."""
        if better(trial, archive.incumbent):
            archive.promote(trial)


strategy = BestOfN
