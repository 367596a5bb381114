"""Random search: points drawn evenly from the box."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.random import Generator

from slotforge.solvers.optim.blackbox._restarts import REACH, Function

HP: dict[str, tuple[float, float, float, str]] = {}
LOT = 64


def search(f: Function, d: int, rng: Generator, hp: Mapping[str, float], attempt: int) -> None:  # noqa: ARG001
    """Draw a lot of points."""
    f(rng.uniform(-REACH, REACH, (LOT, d)))
