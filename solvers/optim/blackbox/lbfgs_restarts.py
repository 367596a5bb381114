"""L-BFGS-B with restarts: quasi-Newton descent on forward differences, from random points.

Source: Byrd, Lu, Nocedal and Zhu, SIAM J. Sci. Comput. 16, 1995, by SciPy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.blackbox._restarts import REACH, Function

HP = {
    "memory": (10.0, 3.0, 30.0, "log"),
    "step": (1e-8, 1e-10, 1e-4, "log"),
    "tolerance": (2.2e-9, 1e-12, 1e-2, "log"),
}
"""Pairs that are kept; of the differences; relative change of the value at which a search ends."""


def search(f: Function, d: int, rng: Generator, hp: Mapping[str, float], attempt: int) -> None:  # noqa: ARG001
    """Descend from a random point."""
    from scipy.optimize import minimize

    units = np.eye(d + 1, d, -1)

    def around(x: np.ndarray) -> tuple[float, np.ndarray]:
        steps = hp["step"] * np.maximum(1.0, np.abs(x))
        values = f(x + units * steps)
        return float(values[0]), (values[1:] - values[0]) / steps

    minimize(
        around,
        rng.uniform(-REACH, REACH, d),
        method="L-BFGS-B",
        jac=True,
        bounds=[(-REACH, REACH)] * d,
        options={"maxcor": round(hp["memory"]), "ftol": hp["tolerance"]},
    )
