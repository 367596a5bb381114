"""Graph colouring (the CNP set of AutoSAT): are so many colours enough?

Source: the DIMACS colouring challenge (Johnson and Trick 1996) and, for flat graphs, Culberson and Luo 1996. Direct
encoding: one variable for each node and colour. Known: planted graphs are satisfiable; the Mycielski graph of level n
needs n colours; n*n queens need n when n is prime to 6, and never fewer. Near its threshold (average degree
about 8.4 for 4 colours, 4.69 for 3) a random graph is hard and its answer is not known; above it is unsatisfiable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula, Status
from slotforge.solvers.sat.families import Family, Parameter, choice, size
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.shuffle import shuffled

Edges = np.ndarray


@dataclass(frozen=True, kw_only=True)
class Coloring(Family):
    """Colourability of one graph.

    nodes: nodes of a random graph, side of the queen board, or level of the Mycielski graph.
    colors: number of colours.
    degree: average degree of a random graph.
    graph: uniform random, planted (random within a hidden colouring of equal classes), queen or mycielski. The last
        two are single graphs, whose formulas differ in names only.
    """

    nodes: int = size(150, 2, 100_000)
    colors: int = size(4, 1, 200)
    degree: float = size(9.4, 0.0, 1000.0)
    graph: str = choice("random", "planted", "queen", "mycielski")

    small: ClassVar[Mapping[str, Parameter]] = {"nodes": 40}

    def conflict(self) -> str | None:
        if self.graph in ("random", "planted") and self.degree > (self.nodes - 1) / 2:
            return f"degree={self.degree} is out of range; use at most (nodes-1)/2 = {(self.nodes - 1) / 2}"
        if self.graph == "planted" and self.colors < 2:
            return "a planted graph needs at least 2 colors"
        limits = {"queen": 40, "mycielski": 10}
        if self.nodes > limits.get(self.graph, self.nodes):
            return f"nodes={self.nodes} is out of range for {self.graph}; use 2 to {limits[self.graph]}"
        return None

    def formula(self, rng: Generator) -> Formula:
        nodes, edges, status = _GRAPHS[self.graph](self, rng)
        builder = Builder()
        color = np.array(builder.word(nodes * self.colors)).reshape(nodes, self.colors)
        builder.clauses.extend(color.tolist())
        for a, b in edges.tolist():
            builder.clauses.extend([-x, -y] for x, y in zip(color[a].tolist(), color[b].tolist(), strict=True))
        formula = builder.formula(status)
        return shuffled(formula, rng) if self.graph in ("queen", "mycielski") else formula


def _distinct(nodes: int, count: int, rng: Generator, classes: np.ndarray) -> Edges:
    """Draw `count` edges without repetition between nodes of different classes."""
    a, b = np.triu_indices(nodes, 1)
    allowed = np.flatnonzero(classes[a] != classes[b])
    picked = np.sort(rng.choice(allowed, min(count, len(allowed)), replace=False))
    return np.stack([a[picked], b[picked]], axis=1)


def _random(family: Coloring, rng: Generator) -> tuple[int, Edges, Status | None]:
    count = round(family.nodes * family.degree / 2)
    return family.nodes, _distinct(family.nodes, count, rng, np.arange(family.nodes)), None


def _planted(family: Coloring, rng: Generator) -> tuple[int, Edges, Status | None]:
    count = round(family.nodes * family.degree / 2)
    classes = rng.permutation(family.nodes) % family.colors
    return family.nodes, _distinct(family.nodes, count, rng, classes), "sat"


def _queen(family: Coloring, _: Generator) -> tuple[int, Edges, Status | None]:
    side = family.nodes
    row, column = np.divmod(np.arange(side * side), side)
    a, b = np.triu_indices(side * side, 1)
    lines = (row, column, row + column, row - column)
    attacks = np.any([line[a] == line[b] for line in lines], axis=0)
    known: Status | None = "unsat" if family.colors < side else "sat" if gcd(side, 6) == 1 else None
    return side * side, np.stack([a[attacks], b[attacks]], axis=1), known


def _mycielski(family: Coloring, _: Generator) -> tuple[int, Edges, Status | None]:
    """Level 2 is one edge; each level doubles the nodes, joins the copies to the old neighbours and to a new node."""
    nodes, edges = 2, [(0, 1)]
    for _level in range(family.nodes - 2):
        copies = [(a, b + nodes) for a, b in edges] + [(b, a + nodes) for a, b in edges]
        edges = edges + copies + [(node + nodes, 2 * nodes) for node in range(nodes)]
        nodes = 2 * nodes + 1
    return nodes, np.array(edges), "sat" if family.colors >= family.nodes else "unsat"


_GRAPHS = {"random": _random, "planted": _planted, "queen": _queen, "mycielski": _mycielski}
