"""OneMax among planted local optima: a search point in so many looks better than it is.

A point is a string of bits, of which those that agree with a hidden string are counted; each new point is distorted
with probability `distortion`, which adds `height` to its count. In each generation `offspring` copies of the parent are
made, each bit flipped with probability 1/n. Values are to be minimised: bits that are wrong, less the distortion. What
is stored after the bits is the value of the parent. One step is one generation, and that is what is counted.

DisOM: Jorritsma, Lengler and Sudholt, GECCO 2023, arXiv:2304.09712.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import FLAG, Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library


class Planted(Family):
    """Knobs: n, bits; offspring; distortion, the probability (0: plain OneMax); height, of a distortion; copies, 1
    where offspring without a flip keep the value of the parent, as in the paper; else they are new points as well.
    """

    name = "planted"
    role = "selection"
    knobs: ClassVar[Knobs] = {"n": 100, "offspring": 10, "distortion": 0.01, "height": 5, "copies": 0}
    ranges: ClassVar[Mapping[str, Range]] = {
        "n": whole(1),
        "offspring": whole(1),
        "distortion": Range(0.0, 1.0),
        "height": Range(0.0),
        "copies": FLAG,
    }
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{"n": 50}, {"n": 50, "offspring": 20}],
        "select": [{"n": 50, "distortion": 0.02}, {"n": 50, "height": 3}],
        "holdout": [{}, {"distortion": 0.0}, {"n": 200, "height": 8}, {"n": 50, "copies": 1}],
    }
    specialists = ("selection=comma", "selection=plus")
    goal = 0.5
    budget = 4000
    brief = True
    random = True

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw the hidden string."""
        return {
            "hidden": rng.integers(0, 2, int(knobs["n"])).astype(float),
            "parent": np.eye(1, 1 + int(knobs["offspring"]))[0],
            "distortion": np.asarray(float(knobs["distortion"])),
            "height": np.asarray(float(knobs["height"])),
            "copies": np.asarray(bool(knobs["copies"])),
        }

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at a random string, undistorted."""
        bits = rng.integers(0, 2, len(data["hidden"])).astype(float)
        return np.append(bits, np.abs(bits - np.asarray(data["hidden"])).sum())

    def table(self, data: Data, steps: int, rng: Generator) -> dict[str, Array]:
        """Draw which bits of which offspring flip, and which offspring are distorted."""
        n, offspring = len(data["hidden"]), len(data["parent"]) - 1
        return {
            "flips": rng.random((steps, offspring, n), dtype=np.float32) < 1 / n,
            "distorted": rng.random((steps, offspring)) < float(data["distortion"]),
        }

    def oracle(self, data: Data, p: Array, row: Array, control: Control) -> tuple[Array, Array]:
        """Return the value of the parent, and those of parent and offspring."""
        xp = library(p)
        wrong = xp.abs(self._children(p, row) - data["hidden"]).sum(axis=-1)
        kept = data["copies"] & ~row["flips"].any(axis=-1)
        values = xp.where(kept, p[-1], wrong - data["height"] * row["distorted"])
        return p[-1], xp.concatenate([p[-1:], values])

    def metric(self, data: Data, p: Array) -> Array:
        """Return how many bits are wrong."""
        return abs(p[:-1] - data["hidden"]).sum()

    def apply(self, data: Data, p: Array, answer: Array, row: Array) -> Array:
        """Make the one with the highest score the parent; among equals the first, which is the parent."""
        _, values = self.oracle(data, p, row, {})
        xp = library(p)
        bits = xp.concatenate([p[None, :-1], self._children(p, row)])
        best = answer.argmax()
        return xp.append(bits[best], values[best])

    def parent(self, data: Data) -> Array:
        """The first is the parent."""
        return data["parent"]

    @staticmethod
    def _children(p: Array, row: Array) -> Array:
        return library(p).where(row["flips"], 1 - p[:-1], p[:-1])


family = Planted()
