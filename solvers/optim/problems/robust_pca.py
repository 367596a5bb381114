"""Separation of a low-rank matrix from gross outliers: D = L + S, and p is the estimate of L.

The gradient is p - D, that of half the squared distance to D, so that a rule knows D = p - g; it finds the outliers and
the low rank itself, and what a step costs in linear algebra is seen in its time, not in its calls. A run starts at 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library


class RobustPca(Family):
    """Knobs: n, the side; rank; outliers, the share of entries that are hit; size, of the outliers, in means of |L|."""

    name = "robust_pca"
    knobs: ClassVar[Knobs] = {"n": 200, "rank": 5, "outliers": 0.1, "size": 5}
    ranges: ClassVar[Mapping[str, Range]] = {
        "n": whole(2),
        "rank": whole(1),
        "outliers": Range(0.0, 1.0),
        "size": Range(0.0),
    }
    within = (("rank", "n"),)
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{"n": 50, "rank": 2}, {"n": 50, "rank": 2, "outliers": 0.05}],
        "select": [{"n": 50, "rank": 2, "outliers": 0.07}, {"n": 50, "rank": 2, "size": 10}],
        "holdout": [{"n": 50, "rank": 2, "outliers": 0.15}, {"n": 50, "rank": 3}, {"n": 100, "rank": 3}, {}],
    }
    specialists = ("altproj", "accaltproj")
    budget = 200

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw L as a product of Gaussian factors, and outliers of uniform size at uniform places."""
        n, rank = int(knobs["n"]), int(knobs["rank"])
        left, right = rng.standard_normal((2, n, rank))
        low = left @ right.T
        amplitude = knobs["size"] * np.abs(low).mean()
        places = rng.permutation(n * n)[: round(knobs["outliers"] * n * n)]
        outliers = np.zeros(n * n)
        outliers[places] = rng.uniform(-amplitude, amplitude, len(places))
        return {"seen": low + outliers.reshape(n, n), "left": left, "right": right}

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at zero."""
        return np.zeros_like(data["seen"])

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return half the squared distance to D, and p - D."""
        gradient = p - data["seen"]
        return (gradient * gradient).sum() / 2, gradient

    def metric(self, data: Data, p: Array) -> Array:
        """Return the relative error of L in the Frobenius norm."""
        low = data["left"] @ data["right"].T
        norm = library(p).linalg.norm
        return norm(p - low) / norm(low)

    def rank(self, data: Data) -> int:
        """Return the rank of L."""
        return int(data["left"].shape[1])


family = RobustPca()
