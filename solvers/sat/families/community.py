"""Community attachment: random k-SAT with planted community structure, as industrial formulas have.

Source: Giráldez-Cru and Levy, "A modularity-based random SAT instances generator", IJCAI 2015. With probability
modularity + 1/communities a clause takes its variables from one community, else from k different ones. The answer is
not known. High modularity is easy; effort grows with the variables and is largest near the threshold of ratio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size


@dataclass(frozen=True, kw_only=True)
class Community(Family):
    """Random k-SAT with communities.

    variables: number of variables, split evenly.
    communities: number of communities.
    modularity: expected modularity of the variable graph.
    ratio: clauses a variable.
    k: literals a clause.
    """

    variables: int = size(1200, 8, 1_000_000)
    communities: int = size(40, 2, 10_000)
    modularity: float = size(0.73, 0.0, 1.0)
    ratio: float = size(4.2, 0.1, 1000.0)
    k: int = size(3, 2, 10)

    small: ClassVar[Mapping[str, Parameter]] = {"variables": 100, "communities": 5}

    def conflict(self) -> str | None:
        if self.k > self.communities:
            return f"communities={self.communities} must be at least k={self.k}"
        if self.variables < self.k * self.communities:
            return f"variables={self.variables} must be at least k*communities={self.k * self.communities}"
        return None

    def formula(self, rng: Generator) -> Formula:
        count = round(self.ratio * self.variables)
        edges = np.linspace(0, self.variables, self.communities + 1).astype(int)
        members = [np.arange(low, high) for low, high in pairwise(edges)]
        inside = rng.random(count) < self.modularity + 1 / self.communities
        signs = rng.choice(np.array([-1, 1]), (count, self.k))
        picked = [self._within(members, rng) if one else self._across(members, rng) for one in inside]
        return Formula(variables=self.variables, clauses=((np.array(picked) + 1) * signs).tolist())

    def _within(self, members: list[np.ndarray], rng: Generator) -> list[int]:
        community = members[int(rng.integers(len(members)))]
        return [int(x) for x in rng.choice(community, self.k, replace=False)]

    def _across(self, members: list[np.ndarray], rng: Generator) -> list[int]:
        chosen = rng.choice(len(members), self.k, replace=False)
        return [int(members[c][rng.integers(len(members[c]))]) for c in chosen]
