"""Small networks in single precision, and what families of them have in common.

Weights are matrices with a row for each output, filters of a convolution included, so that rules for matrices see them
as such. Nothing is initialised to zero but biases. Oracle and metric are compiled, so that a loop in NumPy is not slow.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import _samples
from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole

HELD_OUT = 297  # of 1797 digits
CLASSES = 10


class Classifier(Family):
    """A network that tells digits apart, trained with small batches and judged by its cross-entropy on held-out ones.

    The knobs of every such family: batch; noise, the share of the training labels that is replaced at random.
    """

    dtype = "float32"
    goal = 0.12
    learned = True
    budget = 500
    stride = 25
    random = True
    common: ClassVar[Knobs] = {"batch": 64, "noise": 0.0}
    common_ranges: ClassVar[Mapping[str, Range]] = {"batch": whole(1), "noise": Range(0.0, 1.0)}

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Split the digits, and spoil labels; what is only a size is kept as the length of an array."""
        pixels, digit = _samples.digits()
        pixels, digit = (pixels / 16).astype(np.float32), digit.astype(np.int32)
        order = rng.permutation(len(digit))
        train, test = order[HELD_OUT:], order[:HELD_OUT]
        spoilt = rng.random(len(train)) < knobs["noise"]
        labels = np.where(spoilt, rng.integers(0, CLASSES, len(train)), digit[train])
        return {
            "train": pixels[train],
            "train_label": labels.astype(np.int32),
            "test": pixels[test],
            "test_label": digit[test],
            "batch": size(knobs["batch"]),
            **self.sizes(knobs),
        }

    @abstractmethod
    def sizes(self, knobs: Knobs) -> dict[str, Any]:
        """Return the sizes of the network, as arrays of these lengths."""

    @abstractmethod
    def logits(self, data: Data, p: Mapping[str, Array], x: Array) -> Array:
        """Return a score for each row of pixels and each digit."""

    def table(self, data: Data, steps: int, rng: Generator) -> Array:
        """Draw the rows of the batch of every step."""
        return rng.integers(len(data["train"]), size=(steps, len(data["batch"])), dtype=np.int32)

    @partial(jax.jit, static_argnums=0)
    def oracle(self, data: Data, p: Any, row: Array, control: Control) -> tuple[Array, Any]:
        """Return the cross-entropy of the batch and its gradient."""
        x, label = jnp.asarray(data["train"])[row], jnp.asarray(data["train_label"])[row]
        return jax.value_and_grad(lambda p: cross_entropy(self.logits(data, p, x), label))(p)

    @partial(jax.jit, static_argnums=0)
    def metric(self, data: Data, p: Any) -> Array:
        """Return the cross-entropy of the held-out digits."""
        return cross_entropy(self.logits(data, p, data["test"]), data["test_label"])


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Return the mean over all labels."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], axis=-1).mean()


def dense(rng: Generator, outputs: int, inputs: int, gain: float = 1.0) -> np.ndarray:
    """Draw normal weights that keep the variance of what passes through, times gain squared."""
    return np.asarray(gain * rng.standard_normal((outputs, inputs)) / np.sqrt(inputs), np.float32)


def zeros(length: int) -> np.ndarray:
    """Return biases."""
    return np.zeros(length, np.float32)


def standardised(x: Array, axis: int) -> Array:
    """Take the mean off along an axis, and divide by the deviation."""
    x = x - x.mean(axis=axis, keepdims=True)
    return x / jnp.sqrt((x * x).mean(axis=axis, keepdims=True) + 1e-5)


def size(value: float) -> np.ndarray:
    """Write a size as the length of an array."""
    return zeros(int(value))
