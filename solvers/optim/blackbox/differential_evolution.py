"""Differential evolution: points are moved by the differences of others.

Storn and Price, J. Glob. Optim. 11, 1997; best1bin as in SciPy.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.blackbox._restarts import REACH, Function, restarted


def minimize(f: Function, d: int, budget: int, rng: Generator) -> np.ndarray:
    """Return the best value so far after each evaluation."""
    from scipy.optimize import Bounds, differential_evolution

    bounds = Bounds(np.full(d, -REACH), np.full(d, REACH))
    return restarted(
        f, budget, lambda counted, _: differential_evolution(counted, bounds, maxiter=budget, polish=False, rng=rng)
    )
