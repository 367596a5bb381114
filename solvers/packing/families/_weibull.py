"""Sizes from a Weibull distribution, as FunSearch, EoH, ReEvo and MCTS-AHD have them.

Source: Romera-Paredes et al., Nature 625, 2024, after Castiñeiras, De Cauwer, O'Sullivan, "Weibull-based benchmarks for
bin packing", CP 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, RandomState

from slotforge.solvers.policy.families import Content

SHAPE = 3.0
SCALE = 45.0
LARGEST = 100
SEED = 1234  # of the published test sets
INSTANCES = 5  # in each of them


@dataclass(frozen=True, kw_only=True)
class Weibull:
    """So many items for bins of one capacity.

    after: how many sizes are drawn for other sets of the publication before those of this test set.
    """

    items: int
    capacity: int
    after: int

    @property
    def size(self) -> str:
        """For people."""
        return f"{self.items} items, bins of {self.capacity}"

    def draw(self, rng: Generator) -> Content:
        """Draw an instance."""
        return self._content(rng.weibull(SHAPE, self.items))

    def published(self) -> Sequence[Content]:
        """Draw the test set of MCTS-AHD (Zheng et al. 2025, arXiv:2501.08603, table 3) as its authors did: the sets of
        the publication follow each other in one stream of NumPy's legacy generator, which is the same for good.
        """
        drawn = RandomState(SEED).weibull(SHAPE, self.after + INSTANCES * self.items)
        return [self._content(sizes) for sizes in drawn[self.after :].reshape(INSTANCES, self.items)]

    def _content(self, drawn: np.ndarray) -> Content:
        sizes = np.round(np.clip(SCALE * drawn, 1, LARGEST))
        return {"capacity": self.capacity, "items": sizes.astype(int).tolist()}
