"""Tseitin formulas: parities of the edges around each node of a random regular graph.

Source: Tseitin 1968; Urquhart, "Hard examples for resolution", JACM 34 (1987). Each node asks for a parity of its
edges; on a connected graph the formula is satisfiable exactly when the parities of all nodes add up to an even number,
so the answer is chosen. On expanders every resolution proof is exponential in the nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, choice, size


@dataclass(frozen=True, kw_only=True)
class Tseitin(Family):
    """Parities on a random regular multigraph.

    nodes: number of nodes.
    degree: edges a node; nodes*degree is even.
    charge: odd gives unsatisfiable formulas, even satisfiable ones.
    """

    nodes: int = size(28, 2, 100_000)
    degree: int = size(4, 2, 12)
    charge: str = choice("odd", "even")

    small: ClassVar[Mapping[str, Parameter]] = {"nodes": 12}

    def conflict(self) -> str | None:
        return "nodes*degree must be even" if self.nodes * self.degree % 2 else None

    def formula(self, rng: Generator) -> Formula:
        edges = self._edges(rng)
        parity = rng.integers(2, size=self.nodes)
        parity[-1] ^= (int(parity.sum()) + (self.charge == "odd")) % 2
        around: list[list[int]] = [[] for _ in range(self.nodes)]
        for variable, (a, b) in enumerate(edges, start=1):
            around[a].append(variable)
            around[b].append(variable)
        clauses = [
            [sign * x for sign, x in zip(signs, incident, strict=True)]
            for incident, wanted in zip(around, parity, strict=True)
            for signs in product((1, -1), repeat=self.degree)
            if (signs.count(-1) + 1 + int(wanted)) % 2 == 0
        ]
        return Formula(variables=len(edges), clauses=clauses, status="unsat" if self.charge == "odd" else "sat")

    def _edges(self, rng: Generator) -> list[tuple[int, int]]:
        """Pair the stubs of the nodes at random until the graph is connected and has no loop."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        while True:
            ends = rng.permutation(np.repeat(np.arange(self.nodes), self.degree)).reshape(-1, 2)
            for row in np.flatnonzero(ends[:, 0] == ends[:, 1]):
                other = int(rng.integers(len(ends)))
                ends[row, 1], ends[other, 1] = ends[other, 1], ends[row, 1]
            graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(self.nodes, self.nodes))
            if (ends[:, 0] != ends[:, 1]).all() and connected_components(graph, directed=False)[0] == 1:
                return [(int(a), int(b)) for a, b in ends]
