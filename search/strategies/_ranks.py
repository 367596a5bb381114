"""Rank-based selection of parents, as EoH and its followers do it: rank r of N has weight 1 / (r + N).

The weights are flat, the best weighs at most twice as much as the last, whatever the scale of the objective.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from numpy.random import Generator

Item = TypeVar("Item")


def weights(size: int) -> list[float]:
    """Return the probabilities of ranks 1 to `size`."""
    raw = [1 / (rank + size) for rank in range(1, size + 1)]
    return [weight / sum(raw) for weight in raw]


def by_rank(ranked: Sequence[Item], count: int, rng: Generator) -> list[Item]:
    """Draw some of the items, the best of which comes first, by their ranks and none twice; in the order drawn."""
    count = min(count, len(ranked))
    chosen = rng.choice(len(ranked), size=count, replace=False, p=weights(len(ranked)))
    return [ranked[int(place)] for place in chosen]
