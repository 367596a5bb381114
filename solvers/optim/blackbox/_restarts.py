"""Count evaluations, and start a search again until they are spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np
from numpy.random import Generator

REACH = 5.0  # of the box in which searches start

Function = Callable[[np.ndarray], np.ndarray]
Search = Callable[[Function, int, Generator, Mapping[str, float], int], object]


class Spent(Exception):
    """All evaluations have been made, or enough of them."""


def restarted(
    search: Search,
    f: Function,
    d: int,
    budget: int,
    rng: Generator,
    hp: Mapping[str, float],
    enough: Callable[[float], bool] = lambda _: False,
) -> np.ndarray:
    """Run a search again and again.

    Args:
        budget: evaluations.
        enough: whether this value is good enough to end.

    Returns:
        The best value so far after each evaluation, of shape (budget,), or less where it was enough.
    """
    seen: list[float] = []
    least = np.inf

    def counted(points: np.ndarray) -> np.ndarray:
        nonlocal least
        asked = np.reshape(np.asarray(points, dtype=float), (-1, d))
        room = budget - len(seen)
        if room <= 0:
            raise Spent
        values = np.asarray(f(asked[:room]), dtype=float)
        seen.extend(values.tolist())
        better, least = values.min() < least, min(least, float(values.min()))
        if len(values) < len(asked) or (better and enough(least)):
            raise Spent
        return np.reshape(values, np.shape(points)[:-1])

    attempt = 0
    with suppress(Spent):
        while True:
            search(counted, d, rng, hp, attempt)
            attempt += 1
    return np.asarray(np.minimum.accumulate(seen))
