"""sgen: the smallest formulas that are hard to refute, three overlapping partitions with counting bounds.

Source: Spence, "sgen1: a generator of small but difficult satisfiability benchmarks", JEA 15 (2010); here with random
partitions in place of annealed ones, which is easier at equal size. Of 4*groups+1 variables, each group of the first
partition allows at most two true ones, each group of two others at most two false ones: at most 4*groups variables can
have a value, so the formula is unsatisfiable. Effort multiplies by about 10 with 4 more groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size

_GROUP = 4
_PARTITIONS = (-1, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Sgen(Family):
    """Unsatisfiable counting formulas.

    groups: groups of four (the last of five) in each partition.
    """

    groups: int = size(25, 2, 10_000)

    small: ClassVar[Mapping[str, Parameter]] = {"groups": 6}

    def formula(self, rng: Generator) -> Formula:
        variables = _GROUP * self.groups + 1
        clauses: list[list[int]] = []
        for sign in _PARTITIONS:
            order = [sign * (int(x) + 1) for x in rng.permutation(variables)]
            starts = range(0, variables - 1, _GROUP)
            for start in starts:
                group = order[start:] if start == starts[-1] else order[start : start + _GROUP]
                clauses.extend(list(three) for three in combinations(group, 3))
        return Formula(variables=variables, clauses=clauses, status="unsat")
