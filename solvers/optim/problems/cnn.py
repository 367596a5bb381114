"""A convolutional network on handwritten digits (8 x 8 pixels), by its held-out cross-entropy.

Two times a 3 x 3 convolution, GELU and the mean over 2 x 2 places; then a linear layer. A convolution is a matrix with
a row for each filter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from numpy.random import Generator

from slotforge.solvers.optim.problems import _nets
from slotforge.solvers.optim.problems._family import Array, Data, Knobs, Range, whole

SIDE = 8
REACH = 3  # side of a filter
PARTS = 3  # of the held-out digits


class Cnn(_nets.Classifier):
    """Knobs: filters of the first layer, the second has twice as many; batch; noise, the share of labels replaced."""

    name = "cnn"
    knobs: ClassVar[Knobs] = {"filters": 16, **_nets.Classifier.common}
    ranges: ClassVar[Mapping[str, Range]] = {"filters": whole(1), **_nets.Classifier.common_ranges}
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{"filters": 4, "batch": 16}, {"filters": 4, "batch": 32}],
        "select": [{"filters": 5, "batch": 16}, {"filters": 6, "batch": 16}],
        "holdout": [
            {"filters": 8, "batch": 16},
            {"filters": 6, "batch": 32},
            {"filters": 4, "batch": 8},
            {"filters": 4, "batch": 32, "noise": 0.2},
        ],
    }
    specialists = ("muon", "adam")
    goal = 0.2
    runs = (3, 5)

    def sizes(self, knobs: Knobs) -> dict[str, Any]:
        """Return the number of filters."""
        return {"filters": _nets.size(knobs["filters"])}

    def start(self, data: Data, rng: Generator) -> dict[str, Any]:
        """Draw the weights."""
        first, area = len(data["filters"]), REACH * REACH
        return {
            "conv0": _nets.dense(rng, first, area),
            "b0": _nets.zeros(first),
            "conv1": _nets.dense(rng, 2 * first, area * first),
            "b1": _nets.zeros(2 * first),
            "w2": _nets.dense(rng, _nets.CLASSES, 2 * first * (SIDE // 4) ** 2),
            "b2": _nets.zeros(_nets.CLASSES),
        }

    @partial(jax.jit, static_argnums=0)
    def metric(self, data: Data, p: Any) -> Array:
        """Return the cross-entropy of the held-out digits, in parts that a cache holds."""
        parts = jnp.reshape(data["test"], (PARTS, -1, SIDE * SIDE)), jnp.reshape(data["test_label"], (PARTS, -1))
        return jax.lax.map(lambda part: _nets.cross_entropy(self.logits(data, p, part[0]), part[1]), parts).mean()

    def logits(self, data: Data, p: Mapping[str, Array], x: Array) -> Array:
        """Pass through the layers, with the images along the last axis, where they are next to each other."""
        image = jnp.reshape(x.T, (1, SIDE, SIDE, len(x)))  # channels, rows, columns, images
        for at in range(2):
            image = _halved(jax.nn.gelu(_convolved(image, p[f"conv{at}"], p[f"b{at}"])))
        return (p["w2"] @ jnp.reshape(image, (-1, len(x)))).T + p["b2"]


def _convolved(image: Array, filters: Array, bias: Array) -> Array:
    """Apply filters to the neighbourhood of each place, with zeros beyond the edge."""
    channels, side, _, count = image.shape
    edge = REACH // 2
    wide = jnp.pad(image, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    places = [(row, column) for row in range(REACH) for column in range(REACH)]
    near = jnp.concatenate([wide[:, i : i + side, j : j + side] for i, j in places])
    return jnp.reshape(
        filters @ jnp.reshape(near, (channels * len(places), -1)) + bias[:, None], (-1, side, side, count)
    )


def _halved(image: Array) -> Array:
    channels, side, _, count = image.shape
    return jnp.reshape(image, (channels, side // 2, 2, side // 2, 2, count)).mean(axis=(2, 4))


family = Cnn()
