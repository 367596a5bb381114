"""Logistic regression with small batches, judged by held-out samples: digits below five against the others.

The objective is that of `logistic`; the oracle sees `batch` random rows, or as many times more as a rule asks for, up
to 16, at that price. A seed splits the rows, a fifth held out. What counts is the held-out loss above that of the exact
optimum, were the held-out labels drawn as the optimum predicts: with the labels themselves, a rule that never settles
would pass below the optimum by luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import _samples
from slotforge.solvers.optim.problems._family import FLAG, Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library, sigmoid

LARGEST = 16  # base batches in one call
LEAST = 5  # planted samples, of which one is held out


class StochasticLogistic(Family):
    """Knobs: batch; l2; parity, 1 to tell odd from even digits instead; planted, how many rows of a random model
    instead (0: none), with d features and a covariance of condition kappa.
    """

    name = "stochastic_logistic"
    knobs: ClassVar[Knobs] = {"batch": 32, "l2": 1e-2, "parity": 0, "planted": 0, "d": 64, "kappa": 100.0}
    ranges: ClassVar[Mapping[str, Range]] = {
        "batch": whole(1),
        "l2": Range(1e-9),
        "parity": FLAG,
        "planted": whole(0),
        "d": whole(1),
        "kappa": Range(1.0),
    }
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"l2": 2e-2}],
        "select": [{"l2": 5e-3}, {"batch": 64}],
        "holdout": [{"l2": 3e-2}, {"batch": 16}, {"parity": 1}, {"planted": 4000, "d": 128}],
    }
    specialists = ("sgd", "adagrad", "adadagrad")
    goal = 0.01
    budget = 900
    stride = 5
    random = True

    def misfit(self, knobs: Knobs) -> str:
        """Hold some of the planted samples out, besides."""
        few = 0 < knobs.get("planted", 0) < LEAST
        return super().misfit(knobs) or (f"planted={knobs['planted']:g} must be 0 or at least {LEAST}" if few else "")

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Split the rows, and solve for the optimum of the training rows."""
        x, y = self._rows(knobs, rng)
        x, order, l2 = _samples.design(x), rng.permutation(len(y)), float(knobs["l2"])
        train, test = order[len(y) // 5 :], order[: len(y) // 5]
        return {
            "train": x[train] * y[train, None],
            "test": x[test],
            "odds": x[test] @ _samples.solve(x[train], y[train], l2),
            "l2": np.asarray(l2),
            "batch": np.zeros(int(knobs["batch"])),
        }

    def _rows(self, knobs: Knobs, rng: Generator) -> _samples.Samples:
        if knobs["planted"]:
            return _samples.planted(int(knobs["planted"]), int(knobs["d"]), knobs["kappa"], rng)
        x, digit = _samples.digits()
        return x, np.where(digit % 2 == 1 if knobs["parity"] else digit < 5, 1.0, -1.0)

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at zero."""
        return np.zeros(data["train"].shape[1])

    def table(self, data: Data, steps: int, rng: Generator) -> Array:
        """Draw the rows of the largest batch of every step."""
        return rng.integers(len(data["train"]), size=(steps, LARGEST * len(data["batch"])), dtype=np.int32)

    def oracle(self, data: Data, p: Array, row: Array, control: Control) -> tuple[Array, Array]:
        """Return loss and gradient over the first rows of the step's batch, as many as are asked for."""
        xp, size = library(p), len(data["batch"])
        if "batch" not in control:
            row = row[:size]
        seen = np.arange(len(row)) < xp.round(size * self.charge(control))
        share = seen / seen.sum()
        batch = data["train"][row]
        margin = batch @ p
        loss = share @ xp.logaddexp(0.0, -margin) + data["l2"] / 2 * (p @ p)
        return loss, data["l2"] * p - batch.T @ (share * sigmoid(-margin))

    def metric(self, data: Data, p: Array) -> Array:
        """Return the mean divergence of the held-out predictions from those of the optimum, as a share of that at 0."""
        return self._divergence(data, data["test"] @ p) / self._divergence(data, np.zeros(data["odds"].shape))

    def _divergence(self, data: Data, odds: Array) -> Array:
        chance = sigmoid(data["odds"])
        soft = library(data["odds"]).logaddexp
        return (chance * (data["odds"] - odds) + soft(0.0, odds) - soft(0.0, data["odds"])).mean()

    def charge(self, control: Control) -> Array | float:
        """Return the batch in base batches."""
        return library(control["batch"]).clip(control["batch"], 1.0, LARGEST) if "batch" in control else 1.0


family = StochasticLogistic()
