"""Cities uniformly at random in the unit square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator, RandomState

from slotforge.solvers.policy.families import Content

SEED = 1234  # of the published test sets
INSTANCES = 1000  # in each of them


@dataclass(frozen=True, kw_only=True)
class Uniform:
    """So many cities.

    after: how many coordinates are drawn for other sets of the publication before those of this test set.
    """

    cities: int
    after: int

    @property
    def size(self) -> str:
        """For people."""
        return f"{self.cities} cities"

    def draw(self, rng: Generator) -> Content:
        """Draw an instance."""
        return {"points": rng.random((self.cities, 2)).tolist()}

    def published(self) -> Sequence[Content]:
        """Draw the test set of MCTS-AHD (Zheng et al. 2025, arXiv:2501.08603, table 1) as its authors did: the sets of
        the publication follow each other in one stream of NumPy's legacy generator, which is the same for good.
        """
        count = INSTANCES * self.cities * 2
        drawn = RandomState(SEED).random_sample(self.after + count)[self.after :]
        return [{"points": points} for points in drawn.reshape(INSTANCES, self.cities, 2).tolist()]
