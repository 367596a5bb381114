"""Random proposals from the baseline, without any feedback: the control of every experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.archive import better
from slotforge.search.strategies._common import candidate_of


@dataclass(frozen=True, kw_only=True)
class Random:
    """Asks for a new policy in one slot drawn uniformly, always from the baseline.

    The incumbent only serves racing: a proposal that is clearly worse than the best one known need not be measured
    to the end.
    """

    operators: ClassVar[Sequence[str]] = ("sample",)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for a new policy of one slot."""
        slot = archive.slots[int(rng.integers(len(archive.slots)))]
        return Request(operator="sample", parents=(candidate_of(archive.trials[0]),), slots=(slot,))

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Remember the best."""
        if better(trial, archive.incumbent):
            archive.promote(trial)


strategy = Random
