"""Draws: from lists, and numbers within ranges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from numpy.random import Generator

Item = TypeVar("Item")
_WIDE = 8.0


class Change(NamedTuple):
    """A policy's new source, and in words what is new about it."""

    source: str
    words: str


def choose(rng: Generator, items: Sequence[Item]) -> Item:
    """Draw one of some items, at least one."""
    return items[int(rng.integers(len(items)))]


def uniform(low: float, high: float, rng: Generator) -> float:
    """Draw a number from a range: uniform in the logarithm when the range is positive and wide."""
    if wide(low, high):
        return min(high, max(low, math.exp(rng.uniform(math.log(low), math.log(high)))))
    return float(rng.uniform(low, high))


def step(value: float, low: float, high: float, rng: Generator) -> float:
    """Draw a number near another: a factor in a wide positive range, else a share of the range; bounds are not hit."""
    scaled = wide(low, high) and value > 0
    near = value * math.exp(rng.normal(0.0, 0.6)) if scaled else value + float(rng.normal(0.0, 0.2)) * (high - low)
    if low < near < high:
        return near
    return float(rng.uniform(low, max(low, value)) if near <= low else rng.uniform(min(value, high), high))


def wide(low: float, high: float) -> bool:
    """Whether a range spans orders of magnitude."""
    return low > 0 and high / low >= _WIDE


def rounded(value: float, low: float, high: float, integral: bool) -> float:
    """Round a number within a range: to a whole one, or to three digits."""
    return min(high, max(low, float(round(value) if integral else f"{value:.3g}")))


def formatted(value: float, low: float, high: float, integral: bool) -> str:
    """Write a number within a range in C++."""
    value = rounded(value, low, high, integral)
    return str(round(value)) if integral else repr(value)
