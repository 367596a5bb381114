"""Quadratics under gradient noise of infinite variance.

f(x) = 1/2 (x - x*)' H (x - x*) with eigenvalues of H from 1 to `kappa`; each entry of the noise is drawn from a Pareto
law that begins at 0, with a random sign. With `rotated` the eigenvectors are random and so is the mix of the noise over
the entries, so that no entry is noisy for itself. A run starts at distance 1 in each entry, and the worst tenth of the
runs counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import FLAG, Array, Control, Data, Family, Knobs, Range, whole


class HeavyTail(Family):
    """Knobs: d, the dimension; kappa, the condition; index, of the tail (below 2 the variance is infinite); rotated."""

    name = "heavy_tail"
    knobs: ClassVar[Knobs] = {"d": 20, "kappa": 10, "index": 1.5, "rotated": 0}
    ranges: ClassVar[Mapping[str, Range]] = {"d": whole(1), "kappa": Range(1.0), "index": Range(1.01), "rotated": FLAG}
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"rotated": 1}],
        "select": [{"index": 1.4}, {"index": 1.6, "rotated": 1}],
        "holdout": [{"index": 1.3}, {"rotated": 1, "kappa": 30}, {"d": 100}, {"d": 100, "rotated": 1}],
    }
    specialists = ("schedule=inverse_sqrt,step=signsgd", "schedule=inverse_sqrt,step=clipped_sgd")
    goal = 0.03
    budget = 3000
    stride = 10
    random = True
    quantile = 0.9

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw the optimum, at distance sqrt(d), and, where they are asked for, the rotations."""
        d = int(knobs["d"])
        optimum = rng.standard_normal(d)
        turn, mix = np.eye(d), np.eye(d)
        if knobs["rotated"]:
            turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
            mix = rng.standard_normal((d, d)) / np.sqrt(d)
        return {
            "hessian": (turn * np.linspace(1, knobs["kappa"], d)) @ turn.T,
            "mix": mix,
            "optimum": optimum * np.sqrt(d) / np.linalg.norm(optimum),
            "index": np.asarray(float(knobs["index"])),
        }

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at zero."""
        return np.zeros_like(data["optimum"])

    def table(self, data: Data, steps: int, rng: Generator) -> Array:
        """Draw the noise of every step."""
        size = (steps, len(data["optimum"]))
        return rng.choice([-1.0, 1.0], size) * rng.pareto(float(data["index"]), size)

    def oracle(self, data: Data, p: Array, row: Array, control: Control) -> tuple[Array, Array]:
        """Return the loss and the gradient of one sample: noise is linear in the point, so that both have it."""
        gradient, noise = data["hessian"] @ (p - data["optimum"]), data["mix"] @ row
        return ((p - data["optimum"]) @ gradient) / 2 + noise @ p, gradient + noise

    def metric(self, data: Data, p: Array) -> Array:
        """Return the loss."""
        error = p - data["optimum"]
        return error @ (data["hessian"] @ error) / 2


family = HeavyTail()
