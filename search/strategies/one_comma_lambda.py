"""(1,lambda)-EA over slots: the best of lambda children always replaces its parent, though it be worse.

Source: Schwefel, "Numerical Optimization of Computer Models", Wiley 1981; Rowe and Sudholt, "The choice of the
offspring population size in the (1,lambda) evolutionary algorithm", TCS 545 (2014). A parent that cannot stay lets the
search leave a local optimum, and one that was merely lucky is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from slotforge.core.seams import Archive
from slotforge.core.types import Trial
from slotforge.search.strategies._common import ranked, told
from slotforge.search.strategies.one_plus_lambda import OnePlusLambda


@dataclass(frozen=True, kw_only=True)
class OneCommaLambda(OnePlusLambda):
    """Search in generations without an elite; what is reported is the best of the archive all the same.

    A child that is raced out, for it is clearly worse than its parent, is not born: a generation of such children
    leaves the parent in its place.

    children: trials of a generation; the parent changes only when all of them are in.
    """

    children: int = 7

    def tell(self, archive: Archive, trial: Trial) -> None:  # noqa: ARG002
        """At the end of a generation, replace the parent by its best child."""
        if told(archive) % self.children != 0:
            return
        if born := [child for child in archive.trials[-self.children :] if child.scored]:
            archive.promote(ranked(born)[0])


strategy = OneCommaLambda
