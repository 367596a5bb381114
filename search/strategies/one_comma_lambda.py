"""(1,lambda)-EA over slots: the best of lambda children always replaces its parent, though it be worse.

Source: Schwefel, "Numerical Optimization of Computer Models", Wiley 1981; Rowe and Sudholt, "The choice of the
offspring population size in the (1,lambda) evolutionary algorithm", TCS 545 (2014). A parent that cannot stay lets the
search leave a local optimum, and one that was merely lucky is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.strategies._common import at_least, candidate_of, ranked, standard_bit_mutation, told


@dataclass(frozen=True, kw_only=True)
class OneCommaLambda:
    """Search in generations without an elite; what is reported is the best of the archive all the same.

    A child that is raced out, for it is clearly worse than its parent, is not born: a generation of such children
    leaves the parent in its place.

    children: trials of a generation; the parent changes only when all of them are in.
    """

    children: int = 7

    operators: ClassVar[Sequence[str]] = ("mutate",)

    def __post_init__(self) -> None:
        at_least(1, children=self.children)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for a mutation of the parent of this generation."""
        slots = standard_bit_mutation(archive.slots, rng)
        return Request(operator="mutate", parents=(candidate_of(archive.incumbent),), slots=slots)

    def tell(self, archive: Archive, trial: Trial) -> None:  # noqa: ARG002
        """At the end of a generation, replace the parent by its best child."""
        if told(archive) % self.children != 0:
            return
        if born := [child for child in archive.trials[-self.children :] if child.scored]:
            archive.promote(ranked(born)[0])


strategy = OneCommaLambda
