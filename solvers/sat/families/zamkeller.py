"""Zamkeller's permutations: the subsequences of multiples zigzag as much as they can.

Source: Zamkeller's puzzle in the collection of Picat (Zhou), in AutoSAT's set. Permute the values so that, for each
i <= divisors, the subsequence of multiples of i has at least a given number of interior local extrema. The values are 1
to n with some left out at random, so that formulas differ. The bound is the largest that the shortest subsequence can
have, less `slack`. The answer is not known; it is mostly satisfiable. Effort grows steeply with n.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.builder import Builder


@dataclass(frozen=True, kw_only=True)
class Zamkeller(Family):
    """Zigzagging subsequences of multiples.

    n: the largest value.
    divisors: number of subsequences: the multiples of 1, 2, ..., divisors.
    slack: how many extrema fewer than possible the shortest subsequence needs.
    omitted: number of values left out.
    """

    n: int = size(26, 6, 200)
    divisors: int = size(4, 1, 60)
    slack: int = size(0, 0, 200)
    omitted: int = size(2, 0, 100)

    small: ClassVar[Mapping[str, Parameter]] = {"n": 12, "divisors": 2}

    def conflict(self) -> str | None:
        shortest = self.n // self.divisors - self.omitted
        return None if shortest >= 3 else "n/divisors must exceed omitted by at least 3"

    def formula(self, rng: Generator) -> Formula:
        dropped = rng.choice(self.n, self.omitted, replace=False)
        values = [value for value in range(1, self.n + 1) if value - 1 not in dropped]
        builder = Builder()
        before = _order(builder, values)
        chains = [[v for v in values if v % i == 0] for i in range(1, self.divisors + 1)]
        bound = min(map(len, chains)) - 2 - self.slack
        for chain in chains:
            builder.at_least(_extrema(builder, chain, before), bound)
        return builder.formula()


def _order(builder: Builder, values: list[int]) -> dict[tuple[int, int], int]:
    """Make a total order: for each pair (a, b) the literal of "a stands before b"."""
    before: dict[tuple[int, int], int] = {}
    for i, a in enumerate(values):
        for b in values[i + 1 :]:
            before[a, b] = builder.fresh()
            before[b, a] = -before[a, b]
    for a, b, c in permutations(values, 3):
        if a < b and a < c:
            builder.add(-before[a, b], -before[b, c], -before[c, a])
    return before


def _extrema(builder: Builder, chain: list[int], before: Mapping[tuple[int, int], int]) -> list[int]:
    """Give for each value a literal that is true only where it is an interior local extremum of the chain."""
    follows = {}
    for a, b in permutations(chain, 2):
        follows[a, b] = builder.fresh()
        builder.add(-follows[a, b], before[a, b])
        for c in chain:
            if c not in (a, b):
                builder.add(-follows[a, b], before[c, a], before[b, c])
    extrema = []
    for value in chain:
        peak, valley = builder.fresh(), builder.fresh()
        lower = [x for x in chain if x < value]
        higher = [x for x in chain if x > value]
        for kind, others in ((peak, lower), (valley, higher)):
            builder.add(-kind, *(follows[x, value] for x in others))
            builder.add(-kind, *(follows[value, x] for x in others))
        extrema.append(builder.disjunction(peak, valley))
    return extrema
