"""A multilayer perceptron on handwritten digits (8 x 8 pixels), by its held-out cross-entropy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import jax.numpy as jnp
from numpy.random import Generator

from slotforge.solvers.optim.problems import _nets
from slotforge.solvers.optim.problems._family import Array, Data, Knobs, Range, whole

PIXELS = 64


class Mlp(_nets.Classifier):
    """Knobs: width and depth of the hidden tanh layers; batch; noise, the share of labels replaced at random."""

    name = "mlp"
    knobs: ClassVar[Knobs] = {"width": 32, "depth": 1, **_nets.Classifier.common}
    ranges: ClassVar[Mapping[str, Range]] = {"width": whole(1), "depth": whole(1), **_nets.Classifier.common_ranges}
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"depth": 2, "batch": 32}],
        "select": [{"width": 48}, {"width": 16, "depth": 2}],
        "holdout": [{"width": 64, "depth": 3}, {"noise": 0.2}, {"batch": 16}, {"width": 128, "batch": 128}],
    }
    specialists = ("muon", "adam")

    def sizes(self, knobs: Knobs) -> dict[str, Any]:
        """Return width and depth."""
        return {name: _nets.size(knobs[name]) for name in ("width", "depth")}

    def start(self, data: Data, rng: Generator) -> dict[str, Any]:
        """Draw the weights."""
        width, depth = len(data["width"]), len(data["depth"])
        sizes = [PIXELS, *[width] * depth, _nets.CLASSES]
        layers = list(enumerate(pairwise(sizes)))
        weights = {f"w{at}": _nets.dense(rng, outputs, inputs) for at, (inputs, outputs) in layers}
        return {**weights, **{f"b{at}": _nets.zeros(outputs) for at, (_, outputs) in layers}}

    def logits(self, data: Data, p: Mapping[str, Array], x: Array) -> Array:
        """Pass through the layers."""
        depth = len(data["depth"])
        for at in range(depth):
            x = jnp.tanh(x @ p[f"w{at}"].T + p[f"b{at}"])
        return x @ p[f"w{depth}"].T + p[f"b{depth}"]


family = Mlp()
