"""Logistic regression with full gradients: tumours, or planted models.

f(w) = mean log(1 + exp(-y x'w)) + l2/2 |w|^2 over standardised features and a constant one; a run starts at 0. With all
rows of breast_cancer (the canonical problem) every draw is the same problem; elsewhere a seed picks rows or a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import _samples
from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library, sigmoid


class Logistic(Family):
    """Knobs: l2; rows, the share of breast_cancer's rows that is kept; planted, how many rows of a random model instead
    (0: none), with d features and a covariance of condition kappa.
    """

    name = "logistic"
    knobs: ClassVar[Knobs] = {"l2": 1e-3, "rows": 1.0, "planted": 0, "d": 30, "kappa": 100.0}
    ranges: ClassVar[Mapping[str, Range]] = {
        "l2": Range(1e-9),
        "rows": Range(0.05, 1.0),
        "planted": whole(0),
        "d": whole(1),
        "kappa": Range(1.0),
    }
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{"rows": 0.8}, {"rows": 0.8, "l2": 1e-2}],
        "select": [{"rows": 0.8, "l2": 5e-4}, {"rows": 0.8, "l2": 5e-3}],
        "holdout": [{}, {"rows": 0.5}, {"rows": 0.8, "l2": 2e-4}, {"planted": 2000, "d": 100}],
    }
    specialists = ("nesterov_convex", "nesterov", "adam", "damped_newton")
    budget = 1500

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Pick rows or draw a model, and solve it."""
        x, y = self._rows(knobs, rng)
        x, l2 = _samples.design(x), float(knobs["l2"])
        best = _samples.loss(x, y, _samples.solve(x, y, l2), l2)
        return {"signed": x * y[:, None], "l2": np.asarray(l2), "best": np.asarray(best)}

    def _rows(self, knobs: Knobs, rng: Generator) -> _samples.Samples:
        if knobs["planted"]:
            return _samples.planted(int(knobs["planted"]), int(knobs["d"]), knobs["kappa"], rng)
        x, y = _samples.tumours()
        chosen = np.sort(rng.permutation(len(y))[: round(knobs["rows"] * len(y))])
        return x[chosen], y[chosen]

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at zero."""
        return np.zeros(data["signed"].shape[1])

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return loss and gradient."""
        margin = data["signed"] @ p
        loss = library(p).logaddexp(0.0, -margin).mean() + data["l2"] / 2 * (p @ p)
        return loss, data["l2"] * p - data["signed"].T @ sigmoid(-margin) / len(margin)

    def metric(self, data: Data, p: Array) -> Array:
        """Return the gap to the optimum as a share of the gap at the start, where the loss is log 2."""
        return (self.oracle(data, p, None, {})[0] - data["best"]) / (np.log(2) - data["best"])


family = Logistic()
