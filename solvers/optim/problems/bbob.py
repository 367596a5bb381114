"""The 24 noiseless functions of BBOB, seen through values alone.

The gradient that the oracle gives is a forward finite difference of d + 1 evaluations, which together are one call. An
instance moves, turns and lifts the function at random; a run starts anywhere in [-5, 5]^d. Compiled programs call the
functions back, for all runs at once.

Hansen, Finck, Ros and Auger, INRIA RR-6829, 2009; by the package `ioh`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from slotforge.core.errors import UsageError
from slotforge.solvers.optim.problems._family import Array, Box, Control, Data, Family, Knobs, Range, whole

STEP = 1e-7  # of the differences, times the entry where that is above 1
SECOND = 1e-5  # of differences of these
REACH = 5.0
INSTANCES = 10_000


class Bbob(Family):
    """Knobs: function, from 1 to 24; d, the dimension."""

    name = "bbob"
    knobs: ClassVar[Knobs] = {"function": 1, "d": 5}
    ranges: ClassVar[Mapping[str, Range]] = {"function": whole(1, 24), "d": whole(2, 1000)}
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{"function": number} for number in (1, 7, 11, 15, 23, 5, 9, 13, 17, 21, 3, 19)],
        "select": [{"function": number} for number in (2, 8, 12, 20)],
        "holdout": [
            {"function": number, "d": d}
            for pair in zip((16, 24, 6, 10, 14, 18, 22, 4), (2, 12, 8, 20, 16, 24, 6, 10), strict=True)
            for number, d in zip(pair, (5, 10), strict=True)
        ]
        + [{"function": number, "d": 20} for number in (2, 6, 14, 20)],
    }
    specialists = (
        "blackbox=cma_es",
        "blackbox=lbfgs_restarts",
        "blackbox=differential_evolution",
        "barzilai_borwein",
    )
    goal = 0.1
    budget = 1000
    brief = True
    stride = 4
    random = True
    runs = (3, 5)

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw an instance."""
        function, instance, d = int(knobs["function"]), int(rng.integers(1, INSTANCES)), int(knobs["d"])
        best = problem(function, instance, d).optimum.y
        return {
            "function": np.asarray(function),
            "instance": np.asarray(instance),
            "d": np.zeros(d),
            "best": np.asarray(best),
        }

    def start(self, data: Data, rng: Generator) -> Array:
        """Start anywhere."""
        return rng.uniform(-REACH, REACH, len(data["d"]))

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return the value and its forward differences."""
        seen = (_looked if isinstance(p, np.ndarray) else _around)(data["function"], data["instance"], p)
        return seen[0], seen[1:]

    def metric(self, data: Data, p: Array) -> Array:
        """Return how far the value is from the least."""
        return (_heights if isinstance(p, np.ndarray) else _height)(data["function"], data["instance"], p) - data[
            "best"
        ]

    def box(self, data: Data) -> Box:
        """Offer the function; a call is worth d + 1 evaluations."""
        d, which = len(data["d"]), (data["function"], data["instance"])
        return Box(values=lambda xs: _heights(*which, xs), d=d, per_call=d + 1, least=float(data["best"]))


def _heights(function: Array, instance: Array, p: np.ndarray) -> np.ndarray:
    """Return the values at points, which stand along the last axis."""
    f = problem(int(np.ravel(function)[0]), int(np.ravel(instance)[0]), p.shape[-1])
    return np.reshape(f(np.reshape(p, (-1, p.shape[-1])).tolist()), p.shape[:-1])


def _looked(function: Array, instance: Array, p: np.ndarray) -> np.ndarray:
    """Return the values at points, and behind each its forward differences."""
    steps = STEP * np.maximum(1.0, np.abs(p))
    ahead = p[..., None, :] + steps[..., None] * np.eye(p.shape[-1])
    values = _heights(function, instance, np.concatenate([p[..., None, :], ahead], axis=-2))
    return np.concatenate([values[..., :1], (values[..., 1:] - values[..., :1]) / steps], axis=-1)


@jax.custom_jvp
def _around(function: Array, instance: Array, p: Array) -> Array:
    return _called(_looked, (*p.shape[:-1], p.shape[-1] + 1), function, instance, p)


@_around.defjvp
def _turned(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    """Stand in for derivatives of the differences by differences of them."""
    function, instance, p = primals
    here = _around(function, instance, p)
    return here, (_around(function, instance, p + SECOND * tangents[-1]) - here) / SECOND


def _height(function: Array, instance: Array, p: Array) -> Array:
    return _called(_heights, p.shape[:-1], function, instance, p)


def _called(
    look: Callable[..., np.ndarray], shape: tuple[int, ...], function: Array, instance: Array, p: Array
) -> Array:
    def told(function: Array, instance: Array, p: Array) -> np.ndarray:
        return look(np.asarray(function), np.asarray(instance), np.asarray(p))

    like = jax.ShapeDtypeStruct(shape, jnp.result_type(p))  # type: ignore[no-untyped-call]
    return jax.pure_callback(told, like, function, instance, p, vmap_method="expand_dims")


@lru_cache(maxsize=64)
def problem(function: int, instance: int, d: int) -> Any:
    """Make a function of BBOB, which is called with a point or with several.

    Raises:
        UsageError: the package is not there.
    """
    try:
        import ioh
    except ImportError:
        raise UsageError("the functions of BBOB come from the package ioh: install it") from None
    return ioh.get_problem(function, instance, d, ioh.ProblemClass.BBOB)


family = Bbob()
