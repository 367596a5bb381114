"""L-BFGS-B on finite differences, from random points.

Byrd, Lu, Nocedal and Zhu, SIAM J. Sci. Comput. 16, 1995, by SciPy.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.blackbox._restarts import REACH, Function, restarted


def minimize(f: Function, d: int, budget: int, rng: Generator) -> np.ndarray:
    """Return the best value so far after each evaluation."""
    from scipy.optimize import minimize as descend

    bounds = [(-REACH, REACH)] * d
    return restarted(
        f,
        budget,
        lambda counted, _: descend(counted, rng.uniform(-REACH, REACH, d), method="L-BFGS-B", bounds=bounds),
    )
