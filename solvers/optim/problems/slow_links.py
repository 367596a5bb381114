"""Decentralised optimisation over slow links: what nodes send each other takes time, and is charged by the bit.

As `decentralised`, on a complete graph, and with entries of different scales; `link` bits for each entry of the point
take as long as a gradient. A message is charged as what it holds: 32 bits a number and 1 a sign, and an array whose
rows repeat one number is that number.

1-bit Adam: Tang et al., ICML 2021, arXiv:2102.02888; distributed Lion: Liu et al., NeurIPS 2024, arXiv:2404.00438.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import decentralised
from slotforge.solvers.optim.problems._family import Array, Data, Knobs, Range


class SlowLinks(decentralised.Decentralised):
    """Knobs: nodes, d, graph, apart as in `decentralised`; kappa, how much the curvature differs from entry to entry;
    link, how many bits for an entry cost as much as a gradient.
    """

    name = "slow_links"
    knobs: ClassVar[Knobs] = {**decentralised.Decentralised.knobs, "graph": 1, "kappa": 100.0, "link": 4.0}
    ranges: ClassVar[Mapping[str, Range]] = {
        **decentralised.Decentralised.ranges,
        "kappa": Range(1.0),
        "link": Range(1e-3),
    }
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"nodes": 8}],
        "select": [{"nodes": 12}, {"link": 8.0}],
        "holdout": [{"nodes": 24}, {"d": 20}, {"link": 1.0}, {"link": 32.0}],
    }
    specialists = ("onebit_adam", "gradient_tracking", "schedule=geometric_decay,step=distributed_lion")
    goal = 1e-3
    budget = 3000
    stride = 2

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw the quadratics and the graph, and stretch the entries."""
        data = dict(super().draw(knobs, rng))
        stretch = np.sqrt(np.logspace(0, np.log10(knobs["kappa"]), int(knobs["d"])))
        curves = data["curves"] * stretch * stretch[:, None]
        best = np.linalg.solve(curves.sum(axis=0), np.einsum("nij,nj->i", curves, data["centres"]))
        return {**data, "curves": curves, "best": best, "link": np.asarray(float(knobs["link"]))}

    def toll(self, data: Data) -> Array:
        """Return what a bit costs."""
        return 1 / data["link"]


family = SlowLinks()
