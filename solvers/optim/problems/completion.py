"""Completion of a low-rank matrix from part of its entries, some of them grossly wrong, by an l1 loss of the factors.

f(U, V) = mean |U V' - Y| over the observed entries, seen through a sub-gradient; p holds U and V, shape (2, n, rank). A
run starts at the leading singular vectors of the observed entries, with the largest left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library


class Completion(Family):
    """Knobs: n, the side; rank; observed, the share of entries seen; outliers, the share of those that are wrong; size,
    the standard deviation of what is added there.
    """

    name = "completion"
    knobs: ClassVar[Knobs] = {"n": 60, "rank": 3, "observed": 0.5, "outliers": 0.1, "size": 10.0}
    ranges: ClassVar[Mapping[str, Range]] = {
        "n": whole(10),
        "rank": whole(1),
        "observed": Range(0.01, 1.0),
        "outliers": Range(0.0, 1.0),
        "size": Range(0.0),
    }
    within = (("rank", "n"),)
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"outliers": 0.05}],
        "select": [{"observed": 0.6}, {"outliers": 0.07}],
        "holdout": [{"outliers": 0.15}, {"rank": 2, "observed": 0.4}, {"size": 100.0}, {"n": 120, "rank": 4}],
    }
    specialists = ("armc", "geometric_subgradient")
    budget = 4000

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw Gaussian factors, the observed places, and the wrong ones among them."""
        n, rank = int(knobs["n"]), int(knobs["rank"])
        left, right = rng.standard_normal((2, n, rank))
        places = rng.permutation(n * n)[: round(knobs["observed"] * n * n)]
        wrong = places[: round(knobs["outliers"] * len(places))]
        mask, noise = np.zeros((2, n * n))
        mask[places] = 1 / len(places)
        noise[wrong] = knobs["size"] * rng.standard_normal(len(wrong))
        mask, noise = mask.reshape(n, n), noise.reshape(n, n)
        return {"seen": np.where(mask > 0, left @ right.T + noise, 0.0), "mask": mask, "left": left, "right": right}

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at the best approximation of the observed entries, scaled up to all; entries above the quantile that
        trims a fifth are left out.
        """
        seen, known = np.asarray(data["seen"]), np.asarray(data["mask"]) > 0
        trusted = known & (np.abs(seen) <= np.quantile(np.abs(seen[known]), 1 - TRIMMED))
        u, s, vt = np.linalg.svd(np.where(trusted, seen, 0.0) / known.mean())
        rank = self.rank(data)
        return np.stack([u[:, :rank] * np.sqrt(s[:rank]), vt[:rank].T * np.sqrt(s[:rank])])

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return the mean absolute error and a sub-gradient of it."""
        xp, error = library(p), p[0] @ p[1].T - data["seen"]
        slopes = data["mask"] * xp.sign(error)
        return (slopes * error).sum(), xp.stack([slopes @ p[1], slopes.T @ p[0]])

    def metric(self, data: Data, p: Array) -> Array:
        """Return the relative error of U V' over all entries in the Frobenius norm."""
        low = data["left"] @ data["right"].T
        norm = library(p).linalg.norm
        return norm(p[0] @ p[1].T - low) / norm(low)

    def rank(self, data: Data) -> int:
        """Return the rank of the matrix."""
        return int(data["left"].shape[1])


TRIMMED = 0.2

family = Completion()
