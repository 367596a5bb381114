"""Random search: points drawn evenly from the box."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.blackbox._restarts import REACH, Function, restarted


def minimize(f: Function, d: int, budget: int, rng: Generator) -> np.ndarray:
    """Return the best value so far after each evaluation."""
    return restarted(f, budget, lambda counted, _: counted(rng.uniform(-REACH, REACH, d)))
