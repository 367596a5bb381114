"""Differential evolution: points are moved by the differences of others.

Source: Storn and Price, J. Glob. Optim. 11, 1997, best1bin.

All points move at once, with one factor. As in SciPy, what leaves the box is drawn anew, and a search ends where the
values hardly differ.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.blackbox._restarts import REACH, Function

HP = {
    "population": (15.0, 2.0, 50.0, "log"),
    "scale": (0.75, 0.2, 1.4, "linear"),
    "crossover": (0.7, 0.05, 1.0, "linear"),
}
"""Points for each entry; factor of the differences; share of the entries that are moved."""
SPREAD = 1 / 3  # of the factor, on both sides
ALIKE = 0.01  # deviation of the values as a share of their mean at which a search ends


def search(f: Function, d: int, rng: Generator, hp: Mapping[str, float], attempt: int) -> None:  # noqa: ARG001
    """Search until the values hardly differ."""
    size = max(4, round(hp["population"] * d))
    places, points = np.arange(size), rng.uniform(-REACH, REACH, (size, d))
    values = f(points)
    while values.std() > ALIKE * abs(values.mean()):
        one = (places + rng.integers(1, size, size)) % size
        other = (places + rng.integers(1, size, size)) % size
        factor = hp["scale"] * rng.uniform(1 - SPREAD, 1 + SPREAD)
        moved = points[values.argmin()] + factor * (points[one] - points[other])
        moved = np.where(abs(moved) > REACH, rng.uniform(-REACH, REACH, (size, d)), moved)
        crossed = rng.random((size, d)) < hp["crossover"]
        crossed[places, rng.integers(d, size=size)] = True
        tried = np.where(crossed, moved, points)
        told = f(tried)
        better = told <= values
        points, values = np.where(better[:, None], tried, points), np.where(better, told, values)
