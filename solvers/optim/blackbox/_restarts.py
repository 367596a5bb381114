"""Count evaluations, and start a search again until they are spent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

REACH = 5.0  # of the box in which searches start

Function = Callable[[np.ndarray], float]


class Spent(Exception):
    """All evaluations have been made."""


def restarted(f: Function, budget: int, search: Callable[[Function, int], object]) -> np.ndarray:
    """Run a search again and again.

    Args:
        search: makes at least one evaluation; also told how many searches came before it.

    Returns:
        The best value so far after each evaluation, of shape (budget,).
    """
    seen: list[float] = []

    def counted(x: np.ndarray) -> float:
        if len(seen) >= budget:
            raise Spent
        seen.append(float(f(np.asarray(x, dtype=float))))
        return seen[-1]

    attempt = 0
    with suppress(Spent):
        while True:
            search(counted, attempt)
            attempt += 1
    return np.asarray(np.minimum.accumulate(seen))
