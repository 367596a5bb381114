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
        covers: list[list[int]] = [[] for _ in range(2 * self.n)]
        for number in range(1, self.n + 1):
            places = builder.word(2 * self.n - number - 1)
            for place, literal in enumerate(places):
                covers[place].append(literal)
                covers[place + number + 1].append(literal)
            builder.exactly_one([places[i] for i in rng.permutation(len(places))])
        for column in covers:
            builder.exactly_one([column[i] for i in rng.permutation(len(column))])
        return shuffled(builder.formula("sat" if self.n % 4 in (0, 3) else "unsat"), rng)
