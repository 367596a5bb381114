"""Decentralised optimisation over slow links: what nodes send each other takes time, and is charged by the bit.

As `decentralised`, but on a complete graph; each node knows a few rows of a least squares problem, too few to find the
minimiser alone, and they nearly agree on it. Entries have different scales, and beyond that the curvature is
ill-conditioned along directions that are no axes, so that many steps are left once the scales are known. `link` bits
for each entry of the point take as long as a gradient. A message is charged as what it holds: 32 bits a number and 1 a
sign, and an array that repeats one number is that number.

1-bit Adam: Tang et al., ICML 2021, arXiv:2102.02888; distributed Lion: Liu et al., NeurIPS 2024, arXiv:2404.00438.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import decentralised
from slotforge.solvers.optim.problems._family import Array, Data, Knobs, Range, whole


class SlowLinks(decentralised.Decentralised):
    """Knobs: nodes, d, graph as in `decentralised`; apart, how far apart the nodes want the minimiser, which is about 1
    from the start in each entry; each, rows of a node; kappa, how much the curvature differs from entry to entry, and
    turned, along the directions of a random basis; link, how many bits for an entry cost as much as a gradient.
    """

    name = "slow_links"
    knobs: ClassVar[Knobs] = {
        **decentralised.Decentralised.knobs,
        "d": 20,
        "graph": 1,
        "apart": 0.01,
        "kappa": 100.0,
        "turned": 100.0,
        "each": 4,
        "link": 4.0,
    }
    ranges: ClassVar[Mapping[str, Range]] = {
        **decentralised.Decentralised.ranges,
        "kappa": Range(1.0),
        "turned": Range(1.0),
        "each": whole(1),
        "link": Range(1e-3),
    }
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"nodes": 8}],
        "select": [{"nodes": 12}, {"link": 8.0}],
        "holdout": [{"nodes": 24}, {"d": 40}, {"link": 1.0}, {"apart": 0.03}],
    }
    specialists = ("onebit_adam", "gradient_tracking", "schedule=geometric_decay,step=distributed_lion")
    goal = 1e-3
    budget = 3000
    stride = 2

    def misfit(self, knobs: Knobs) -> str:
        """Refuse fewer rows than there are entries."""
        of = {**self.knobs, **knobs}
        few = of["nodes"] * of["each"] < of["d"]
        return super().misfit(knobs) or (f"nodes times each must be at least d={of['d']:g}" if few else "")

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw the rows of each node, and what is left of `decentralised`."""
        data, d, each = dict(super().draw(knobs, rng)), int(knobs["d"]), int(knobs["each"])
        basis = np.linalg.qr(rng.standard_normal((d, d)))[0] * _roots(1 / knobs["turned"], d)
        common = _roots(knobs["kappa"], d)[:, None] * basis
        rows = common @ rng.standard_normal((int(knobs["nodes"]), d, each))
        curves = rows @ rows.mT / each
        centres = data["centres"] + rng.standard_normal(d)
        best = np.linalg.solve(curves.sum(axis=0), np.einsum("nij,nj->i", curves, centres))
        return {**data, "curves": curves, "centres": centres, "best": best, "link": np.asarray(float(knobs["link"]))}

    def toll(self, data: Data) -> Array:
        """Return what a bit costs."""
        return 1 / data["link"]


def _roots(ratio: float, d: int) -> Array:
    """Return the roots of numbers that go from 1 to a ratio."""
    return np.sqrt(np.logspace(0, np.log10(ratio), d))


family = SlowLinks()
