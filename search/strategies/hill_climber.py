"""Greedy hill climber: improve one slot of the incumbent at a time, and move only to what is strictly better.

Source: AutoSAT (Sun et al. 2024, arXiv:2402.10705), whose greedy hill climber goes over the slots of a modular solver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.archive import better
from slotforge.search.strategies._common import at_least, candidate_of, told


@dataclass(frozen=True, kw_only=True)
class HillClimber:
    """Takes the slots in turn, each for some trials.

    patience: trials spent on a slot before the next has its turn.
    """

    patience: int = 4

    operators: ClassVar[Sequence[str]] = ("mutate",)

    def __post_init__(self) -> None:
        at_least(1, patience=self.patience)

    def ask(self, archive: Archive, rng: Generator) -> Request:  # noqa: ARG002
        """Ask for a mutation of the slot whose turn it is."""
        turn = told(archive) // self.patience
        slot = archive.slots[turn % len(archive.slots)]
        return Request(operator="mutate", parents=(candidate_of(archive.incumbent),), slots=(slot,))

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Move to what is strictly better."""
        if better(trial, archive.incumbent):
            archive.promote(trial)


strategy = HillClimber
