"""(1+1)-EA: one child of the incumbent at a time, which replaces it when it is not worse.

Source: AutoSAT (Sun et al. 2024, arXiv:2402.10705), with the standard bit mutation over slots of
Droste, Jansen and Wegener (TCS 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.archive import not_worse
from slotforge.search.strategies._common import candidate_of, standard_bit_mutation


@dataclass(frozen=True, kw_only=True)
class OnePlusOne:
    """Elitist search that accepts equal children, so that it can cross plateaus."""

    operators: ClassVar[Sequence[str]] = ("mutate",)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for a mutation of the incumbent."""
        slots = standard_bit_mutation(archive.slots, rng)
        return Request(operator="mutate", parents=(candidate_of(archive.incumbent),), slots=slots)

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Replace the incumbent by a child that is not worse."""
        if not_worse(trial, archive.incumbent):
            archive.promote(trial)


strategy = OnePlusOne
