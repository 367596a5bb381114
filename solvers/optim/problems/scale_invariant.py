"""A perceptron whose hidden weights count by their direction only, on handwritten digits, by held-out cross-entropy.

Each hidden layer is normalised over the batch or, with `norm` 1, by the length of its rows of weights; then come a gain
and a shift of its own, and a ReLU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import _nets
from slotforge.solvers.optim.problems._family import FLAG, Array, Data, Knobs, Range, whole

PIXELS = 64
EPS = 1e-12


class ScaleInvariant(_nets.Classifier):
    """Knobs: width and depth of the hidden layers; norm, 0 of the batch, 1 of the weights; scale, of the weights at the
    start, which changes no output; batch; noise, the share of labels replaced at random.
    """

    name = "scale_invariant"
    knobs: ClassVar[Knobs] = {"width": 32, "depth": 2, "norm": 0, "scale": 1.0, **_nets.Classifier.common}
    ranges: ClassVar[Mapping[str, Range]] = {
        "width": whole(1),
        "depth": whole(1),
        "norm": FLAG,
        "scale": Range(1e-6),
        **_nets.Classifier.common_ranges,
    }
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"norm": 1}],
        "select": [{"width": 48}, {"norm": 1, "scale": 3.0}],
        "holdout": [{"depth": 4}, {"norm": 1, "noise": 0.2}, {"scale": 10.0}, {"width": 96, "batch": 32}],
    }
    specialists = ("adamp", "sgdp", "muon")

    def sizes(self, knobs: Knobs) -> dict[str, Any]:
        """Return width and depth, and which norm it is."""
        told = {name: _nets.size(knobs[name]) for name in ("width", "depth")}
        return {
            **told,
            "scale": np.asarray(knobs["scale"], np.float32),
            "by_weights": np.asarray(knobs["norm"] == 1),
        }

    def start(self, data: Data, rng: Generator) -> dict[str, Any]:
        """Draw the weights."""
        width, depth = len(data["width"]), len(data["depth"])
        p = {}
        for at in range(depth):
            p[f"w{at}"] = _nets.dense(rng, width, width if at else PIXELS, float(data["scale"]))
            p[f"gain{at}"] = _nets.zeros(width) + 1
            p[f"shift{at}"] = _nets.zeros(width)
        return {**p, f"w{depth}": _nets.dense(rng, _nets.CLASSES, width), f"b{depth}": _nets.zeros(_nets.CLASSES)}

    def logits(self, data: Data, p: Mapping[str, Array], x: Array) -> Array:
        """Pass through the layers; the norm of a batch is that of the rows that are looked at."""
        depth = len(data["depth"])
        for at in range(depth):
            rows = p[f"w{at}"]
            unit = rows / jnp.sqrt((rows * rows).sum(axis=1, keepdims=True) + EPS)
            through = x @ unit.T
            normal = jnp.where(data["by_weights"], through, _nets.standardised(through, axis=0))
            x = jax.nn.relu(p[f"gain{at}"] * normal + p[f"shift{at}"])
        return x @ p[f"w{depth}"].T + p[f"b{depth}"]


family = ScaleInvariant()
