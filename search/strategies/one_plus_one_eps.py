"""(1+1)-EPS: the best so far is version 1, the model writes version 2, which replaces it when it is better.

Source: Zhang et al. 2024, "Understanding the Importance of Evolutionary Search in Automated Heuristic Design with Large
Language Models", arXiv:2407.10873: the control that more elaborate strategies must beat.
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
class OnePlusOneEps:
    """Tells the model of one parent and of nothing else."""

    operators: ClassVar[Sequence[str]] = ("eps_improve",)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for an improved version of one slot of the best."""
        best = candidate_of(archive.incumbent)
        return Request(operator="eps_improve", parents=(best,), slots=one_of(archive.slots, rng))

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Move to what is strictly better."""
        if better(trial, archive.incumbent):
            archive.promote(trial)


strategy = OnePlusOneEps
