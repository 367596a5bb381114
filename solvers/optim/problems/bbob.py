"""The 24 noiseless functions of BBOB, seen through values alone.

The gradient that the oracle gives is a forward finite difference of d + 1 evaluations, which together are one call. An
instance moves, turns and lifts the function at random; a run starts anywhere in [-5, 5]^d.

Hansen, Finck, Ros and Auger, INRIA RR-6829, 2009; by the package `ioh`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.core.errors import UsageError
from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole

STEP = 1e-7  # of the differences, times the entry where that is above 1
REACH = 5.0
INSTANCES = 10_000


class Bbob(Family):
    """Knobs: function, from 1 to 24; d, the dimension."""

    name = "bbob"
    host = "numpy"
    knobs: ClassVar[Knobs] = {"function": 1, "d": 5}
    ranges: ClassVar[Mapping[str, Range]] = {"function": whole(1, 24), "d": whole(2, 1000)}
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{"function": number} for number in (1, 7, 11, 15, 23, 5, 9, 13, 17, 21, 3, 19)],
        "select": [{"function": number} for number in (2, 8, 12, 20)],
        "holdout": [
            {"function": number, "d": d}
            for pair in zip((16, 24, 6, 10, 14, 18, 22, 4), (2, 12, 8, 20, 16, 24, 6, 10), strict=True)
            for number, d in zip(pair, (5, 10), strict=True)
        ],
    }
    specialists = ("adam", "barzilai_borwein")
    goal = 0.1
    budget = 1600
    stride = 4
    random = True

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
        p = np.asarray(p, dtype=float)
        steps = STEP * np.maximum(1.0, np.abs(p))
        values = np.asarray(_problem(data)([p, *(p + np.diag(steps))]))
        return values[0], (values[1:] - values[0]) / steps

    def metric(self, data: Data, p: Array) -> Array:
        """Return how far the value is from the least."""
        return np.asarray(_problem(data)(np.asarray(p, dtype=float)) - float(data["best"]))


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


def _problem(data: Data) -> Any:
    return problem(int(data["function"]), int(data["instance"]), len(data["d"]))


family = Bbob()
