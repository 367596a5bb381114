"""Hamiltonian cycles in sparse random graphs with a hidden cycle.

Source: Zhou, "In pursuit of an efficient SAT encoding for the Hamiltonian cycle problem", CP 2020. A random cycle
through all nodes is hidden among random chords, so every formula is satisfiable; degree 3 (cubic graphs) is hardest.
Effort grows with the nodes; times are heavy-tailed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.families.encode.cycle import hamiltonian_cycle


@dataclass(frozen=True, kw_only=True)
class HamiltonianCycle(Family):
    """A cycle through all nodes of a random graph.

    nodes: number of nodes.
    degree: average degree; 2 for the hidden cycle, the rest for chords.
    """

    nodes: int = size(150, 4, 20_000)
    degree: float = size(3.0, 2.0, 50.0)

    small: ClassVar[Mapping[str, Parameter]] = {"nodes": 20}

    def formula(self, rng: Generator) -> Formula:
        cycle = rng.permutation(self.nodes)
        edges = {frozenset((int(a), int(b))) for a, b in zip(cycle, np.roll(cycle, 1), strict=True)}
        stubs = np.resize(np.concatenate([rng.permutation(self.nodes) for _ in range(int(self.degree))]), self._stubs)
        edges |= {frozenset((int(a), int(b))) for a, b in stubs.reshape(-1, 2) if a != b}
        pairs = sorted(tuple(sorted(edge)) for edge in edges)
        arcs = [arc for a, b in pairs for arc in ((a, b), (b, a))]
        builder = Builder()
        hamiltonian_cycle(builder, arcs, self.nodes, start=int(rng.integers(self.nodes)))
        return builder.formula("sat")

    @property
    def _stubs(self) -> int:
        return 2 * round(self.nodes * (self.degree - 2) / 2)
