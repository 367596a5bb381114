"""Quadratics with a known spectrum, seen through exact gradients.

f(x) = 1/2 (x - x*)' H (x - x*) with eigenvalues of H from 1 to kappa and random eigenvectors; a run starts at 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole


class LeastSquares(Family):
    """Knobs: d, the dimension; kappa, the condition; clusters, how many distinct eigenvalues (0: all differ)."""

    name = "least_squares"
    knobs: ClassVar[Knobs] = {"d": 50, "kappa": 1e3, "clusters": 0}
    ranges: ClassVar[Mapping[str, Range]] = {"d": whole(1), "kappa": Range(1.0), "clusters": whole(0)}
    within = (("clusters", "d"),)
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"kappa": 1e2}],
        "select": [{"kappa": 3e2}, {"kappa": 2e3}],
        "holdout": [{"kappa": 5e2}, {"kappa": 5e3}, {"d": 200, "kappa": 1e3}, {"kappa": 1e4, "clusters": 5}],
    }
    specialists = ("conjugate_gradient", "heavy_ball", "nesterov", "barzilai_borwein", "chebyshev")
    budget = 1000
    brief = True

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Turn a spectrum that is even in the logarithm by a random rotation; draw the optimum and the least loss."""
        d, clusters = int(knobs["d"]), int(knobs["clusters"])
        values = np.logspace(0, np.log10(knobs["kappa"]), clusters or d)
        spectrum = values[np.arange(d) * len(values) // d]
        turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
        hessian = (turn * spectrum) @ turn.T
        optimum = rng.standard_normal(d)
        loss = np.asarray(optimum @ hessian @ optimum / 2)
        return {"hessian": hessian, "optimum": optimum, "loss": loss, "least": loss * rng.random()}

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at zero."""
        return np.zeros_like(data["optimum"])

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return loss and gradient; nobody knows what the least loss is."""
        gradient = data["hessian"] @ (p - data["optimum"])
        return (p - data["optimum"]) @ gradient / 2 + data["least"], gradient

    def metric(self, data: Data, p: Array) -> Array:
        """Return the loss as a share of the loss at the start."""
        return (self.oracle(data, p, None, {})[0] - data["least"]) / data["loss"]


family = LeastSquares()
