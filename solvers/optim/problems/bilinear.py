"""Two players on a bilinear function: one descends, the other ascends, and both at once run in circles.

f(x, y) = (x - x*)' A (y - y*) with singular values of A from 1 down to `smallest`; the point has x and y as its rows.
The oracle gives the operator (A (y - y*), -A' (x - x*)); a run starts at 0, and the saddle point lies at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library


class Bilinear(Family):
    """Knobs: n, the dimension of each player; smallest, of the singular values; curve, of a quadratic that makes the
    function convex in x and concave in y.
    """

    name = "bilinear"
    knobs: ClassVar[Knobs] = {"n": 20, "smallest": 0.1, "curve": 0.0}
    ranges: ClassVar[Mapping[str, Range]] = {"n": whole(1), "smallest": Range(1e-6, 1.0), "curve": Range(0.0)}
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{"smallest": 0.3}, {"smallest": 0.4}],
        "select": [{"smallest": 0.25}, {"smallest": 0.5}],
        "holdout": [{"smallest": 0.2}, {}, {"n": 100, "smallest": 0.3}, {"smallest": 0.1, "curve": 0.01}],
    }
    specialists = ("competitive_gradient", "optimistic_gda", "extragradient")
    budget = 20000
    brief = True
    stride = 8

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw the singular vectors and the saddle point."""
        n = int(knobs["n"])
        left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
        payoff = (left * np.linspace(knobs["smallest"], 1, n)) @ right.T
        return {"payoff": payoff, "saddle": rng.standard_normal((2, n)), "curve": np.asarray(float(knobs["curve"]))}

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at zero."""
        return np.zeros_like(data["saddle"])

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return the function and its operator."""
        xp, z = library(p), p - data["saddle"]
        up, down = data["payoff"] @ z[1], data["payoff"].T @ z[0]
        value = xp.vdot(z[0], up) + data["curve"] / 2 * (xp.vdot(z[0], z[0]) - xp.vdot(z[1], z[1]))
        return value, xp.stack([up, -down]) + data["curve"] * z

    def metric(self, data: Data, p: Array) -> Array:
        """Return the distance to the saddle point as a share of that of the start."""
        norm = library(p).linalg.norm
        return norm(p - data["saddle"]) / norm(data["saddle"])


family = Bilinear()
