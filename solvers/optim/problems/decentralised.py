"""Decentralised optimisation with exact gradients: nodes on a graph whose objectives differ.

Each node has a quadratic of its own, and may average with its neighbours; all are to find the minimiser of the mean.
A rule runs at each node, and sees the point, gradient and loss of that node alone; a run starts at 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import _network
from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range


class Decentralised(Family):
    """Knobs: nodes; d, the dimension; graph, 0 for a ring, 1 for a complete graph, 2 for a star; apart, how far the
    minimisers of the nodes lie from each other.
    """

    name = "decentralised"
    knobs: ClassVar[Knobs] = {"nodes": 16, "d": 10, "graph": 0, "apart": 3.0}
    ranges: ClassVar[Mapping[str, Range]] = _network.RANGES
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"nodes": 8}],
        "select": [{"nodes": 12}, {"apart": 10.0}],
        "holdout": [{"nodes": 24}, {"d": 20}, {"graph": 1}, {"graph": 2}],
    }
    specialists: ClassVar[tuple[str, ...]] = ("gradient_tracking",)
    budget = 3000
    stride = 4
    nodes = True

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw the quadratics and the graph."""
        return _network.draw(knobs, rng)

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at zero."""
        return np.zeros_like(data["centres"])

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return the loss and the gradient of each node."""
        return _network.gradients(data, p)

    def metric(self, data: Data, p: Array) -> Array:
        """Return the mean squared error over the nodes as a share of that at the start."""
        return _network.error(data, p)

    def mix(self, data: Data, x: Array) -> Array:
        """Average over the neighbours."""
        return _network.mix(data, x)


family = Decentralised()
