"""Zamkeller's permutations: the subsequences of multiples zigzag as much as they can.

Source: Zamkeller's puzzle in the collection of Picat (Zhou), in AutoSAT's set. Permute the values so that, for each
i <= divisors, the subsequence of multiples of i zigzags: all of its interior elements but `slack` are local extrema.
(The puzzle maximises the least number of extrema over i; here each subsequence has its own bound.) The values are 1 to
n with some left out at random, and the names are drawn, so that formulas differ. The positions are order-encoded, which
makes the formulas large and easy: a few thousand conflicts at most up to n = 60. The answer is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.shuffle import shuffled


@dataclass(frozen=True, kw_only=True)
class Zamkeller(Family):
    """Zigzagging subsequences of multiples.

    n: the largest value.
    divisors: number of subsequences: the multiples of 1, 2, ..., divisors.
    slack: how many interior elements of each subsequence need not be extrema.
    omitted: number of values left out.
    """

    n: int = size(36, 6, 200)
    divisors: int = size(6, 1, 60)
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
        before: dict[tuple[int, int], int] = {}
        for a, b in combinations(values, 2):
            before[a, b] = builder.fresh()
            before[b, a] = -before[a, b]
        chains = [[v for v in values if v % i == 0] for i in range(1, self.divisors + 1)]
        for chain in chains:
            rises = _rises(builder, chain, _places(builder, chain, before))
            builder.at_least([builder.xor(x, y) for x, y in pairwise(rises)], len(chain) - 2 - self.slack)
        return shuffled(builder.formula(), rng)


def _places(builder: Builder, chain: list[int], before: Mapping[tuple[int, int], int]) -> dict[int, list[int]]:
    """Place the values in the order of `before`; entry [v][p] is the literal of "v is in place p"."""
    length = len(chain)
    since = {v: [builder.true, *builder.word(length - 1), -builder.true] for v in chain}
    for steps in since.values():
        for earlier, later in pairwise(steps):
            builder.add(-later, earlier)
    for a, b in permutations(chain, 2):
        for place in range(length):
            builder.add(-before[a, b], -since[a][place], since[b][place + 1])
    return {v: [builder.conjunction(x, -y) for x, y in pairwise(steps)] for v, steps in since.items()}


def _rises(builder: Builder, chain: list[int], places: Mapping[int, list[int]]) -> list[int]:
    """Give for each two neighbouring places the literal of "the value rises"."""
    rises = builder.word(len(chain) - 1)
    for place, rise in enumerate(rises):
        for a, b in permutations(chain, 2):
            builder.add(-places[a][place], -places[b][place + 1], rise if a < b else -rise)
    return rises
