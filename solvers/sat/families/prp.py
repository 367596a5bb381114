"""Profitable robust production (PRP): daily quantities, prices and costs of several products.

Source: the production planning problem of the SAT Competition 2023 and of AutoSAT. Each day the sales are worth at
least what they cost, the total quantity is above that of the day before, and the smallest quantity is below it. Some
prices and costs are given as market data, drawn around a hidden plan, so every formula is satisfiable. Bit-blasted
multipliers, adders and comparators; effort grows with days*units and with the number of given prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.families.encode.circuit import add, equal, less, multiply

_QUANTITY = 10
_MONEY = 7


@dataclass(frozen=True, kw_only=True)
class ProductionPlanning(Family):
    """Production planning with a planted plan.

    days: number of days.
    units: number of products.
    given: percentage of prices and costs that are given.
    """

    days: int = size(10, 1, 300)
    units: int = size(10, 2, 300)
    given: float = size(30.0, 0.0, 100.0)

    small: ClassVar[Mapping[str, Parameter]] = {"days": 3, "units": 2}

    def formula(self, rng: Generator) -> Formula:
        quantities = self._plan(rng)
        prices, costs = np.sort(rng.integers(1 << _MONEY, size=(2, self.days, self.units)), axis=0)[::-1]
        builder = Builder()
        days = [[builder.word(_QUANTITY) for _ in range(self.units)] for _ in range(len(quantities))]
        for day, price, cost in zip(days, prices, costs, strict=True):
            self._profit(builder, day, price, cost, rng)
        width = _QUANTITY + self.units.bit_length()
        totals = [add(builder, day, width) for day in days]
        lowest = [_minimum(builder, day) for day in days]
        for yesterday in range(self.days - 1):
            builder.add(less(builder, totals[yesterday], totals[yesterday + 1]))
            builder.add(less(builder, lowest[yesterday + 1], lowest[yesterday]))
        return builder.formula("sat")

    def _plan(self, rng: Generator) -> np.ndarray:
        """Draw quantities whose daily minimum falls and whose daily total rises; shape (days, units)."""
        plan = np.empty((self.days, self.units), dtype=np.int64)
        plan[:, 0] = np.arange(self.days)[::-1]
        plan[:, 1] = self.days + 2 * np.arange(self.days)
        plan[:, 2:] = self.days + np.sort(rng.integers(100, size=(self.days, self.units - 2)), axis=0)
        return rng.permuted(plan, axis=1)

    def _profit(
        self, builder: Builder, day: Sequence[list[int]], price: np.ndarray, cost: np.ndarray, rng: Generator
    ) -> None:
        width = _QUANTITY + _MONEY + self.units.bit_length()
        sums = []
        for known in (price, cost):
            words = [builder.word(_MONEY) for _ in day]
            for word, value in zip(words, known, strict=True):
                if rng.random() < self.given / 100:
                    equal(builder, word, builder.constant(int(value), _MONEY))
            sums.append(add(builder, [multiply(builder, q, w) for q, w in zip(day, words, strict=True)], width))
        builder.add(-less(builder, sums[0], sums[1]))


def _minimum(builder: Builder, words: Sequence[list[int]]) -> list[int]:
    """Give the smallest of several words."""
    best = words[0]
    for word in words[1:]:
        better = less(builder, word, best)
        best = [builder.choose(better, x, y) for x, y in zip(word, best, strict=True)]
    return best
