"""Array functions of the library that a point is of: JAX for compiled programs, NumPy alone for the reference."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slotforge.solvers.optim.problems._family import Array


def library(x: Array) -> Any:
    """Return the module whose functions suit an array."""
    return np if isinstance(x, np.ndarray | np.generic) else jnp


def softmax(x: Array) -> Array:
    """Turn each row of logits into shares."""
    if library(x) is jnp:
        return jax.nn.softmax(x, axis=-1)
    from scipy.special import softmax

    return softmax(x, axis=-1)


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x))."""
    if library(x) is jnp:
        return jax.nn.sigmoid(x)
    from scipy.special import expit

    return expit(x)
