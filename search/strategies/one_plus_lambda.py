"""(1+lambda)-EA over slots: the best of lambda children of one incumbent replaces it when it is not worse.

Source: AutoModSAT (Sun et al. 2025, arXiv:2507.22876), which searches several slots at once; the standard bit mutation
of evolutionary algorithms, by which every genome can be reached in one step, is our reading of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.archive import not_worse
from slotforge.search.strategies._common import at_least, candidate_of, standard_bit_mutation, told


@dataclass(frozen=True, kw_only=True)
class OnePlusLambda:
    """Elitist search in generations.

    children: trials of a generation; the incumbent changes only when all of them are in.
    """

    children: int = 4

    operators: ClassVar[Sequence[str]] = ("mutate",)

    def __post_init__(self) -> None:
        at_least(1, children=self.children)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for a mutation of the incumbent."""
        slots = standard_bit_mutation(archive.slots, rng)
        return Request(operator="mutate", parents=(candidate_of(archive.incumbent),), slots=slots)

    def tell(self, archive: Archive, trial: Trial) -> None:  # noqa: ARG002
        """At the end of a generation, replace the incumbent by its best child if that is not worse."""
        if told(archive) % self.children != 0:
            return
        generation = [t for t in archive.trials[-self.children :] if not_worse(t, archive.incumbent)]
        if generation:
            archive.promote(min(generation, key=lambda t: (t.ratio, -t.number)))


strategy = OnePlusLambda
