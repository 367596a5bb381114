"""Langford pairs: two copies of each of 1..n in 2n places, the copies of k exactly k+1 apart (CSPLib 024).

Source: Langford 1958; Davies 1959 proved that a solution exists exactly when n mod 4 is 0 or 3, so the status is known.
Direct encoding: one variable for each number and place of its first copy. Satisfiable sizes are easy up to hundreds,
unsatisfiable ones grow tenfold from 9 to 10 and from 10 to 13. Each formula draws its own order in the at-most-one
chains and its own names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.shuffle import shuffled


@dataclass(frozen=True, kw_only=True)
class Langford(Family):
    """Langford's problem L(2, n).

    n: the largest number.
    """

    n: int = size(10, 2, 500)

    small: ClassVar[Mapping[str, Parameter]] = {"n": 7}

    def formula(self, rng: Generator) -> Formula:
        builder = Builder()
        encode(builder, self.n, rng)
        return shuffled(builder.formula("sat" if self.n % 4 in (0, 3) else "unsat"), rng)


def encode(builder: Builder, n: int, rng: Generator) -> list[list[int]]:
    """Encode the problem; entry [k-1][p] of the answer is the literal of "the first copy of k is in place p"."""
    covers: list[list[int]] = [[] for _ in range(2 * n)]
    first = [builder.word(2 * n - number - 1) for number in range(1, n + 1)]
    for number, places in enumerate(first, start=1):
        for place, literal in enumerate(places):
            covers[place].append(literal)
            covers[place + number + 1].append(literal)
    for group in (*first, *covers):
        builder.exactly_one([group[i] for i in rng.permutation(len(group))])
    return first
