"""Decentralised optimisation where some nodes are noisier than others, and samples may go where they are needed.

As `decentralised`, with gradients from `samples` samples a node on average; a rule may share them out unevenly. The
noise of one sample at node i is normal with deviation sigma_i, from 1/spread to spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems import _network
from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library

LEAST = 0.01  # share of the samples that a node gets at least, where 1 is the mean


class NodeSampling(Family):
    """Knobs: nodes, d, graph, apart as in `decentralised`; spread, of the noise; samples."""

    name = "node_sampling"
    knobs: ClassVar[Knobs] = {"nodes": 16, "d": 10, "graph": 0, "apart": 3.0, "spread": 10.0, "samples": 8}
    ranges: ClassVar[Mapping[str, Range]] = {**_network.RANGES, "spread": Range(1.0), "samples": whole(1)}
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{}, {"nodes": 8}],
        "select": [{"nodes": 12}, {"spread": 5.0}],
        "holdout": [{"nodes": 24}, {"spread": 20.0}, {"graph": 1}, {"graph": 2}],
    }
    specialists = ("dnss",)
    goal = 2e-4
    budget = 4000
    stride = 5
    nodes = True
    random = True
    quantile = 0.9

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw the quadratics, and deal the noise out to the nodes."""
        reach = np.log10(knobs["spread"])
        sigma = rng.permutation(np.logspace(-reach, reach, int(knobs["nodes"])))
        return {**_network.draw(knobs, rng), "sigma": sigma, "samples": np.asarray(float(knobs["samples"]))}

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at zero."""
        return np.zeros_like(data["centres"])

    def table(self, data: Data, steps: int, rng: Generator) -> Array:
        """Draw the noise of every step, for one sample of deviation 1."""
        return rng.standard_normal((steps, *data["centres"].shape))

    def oracle(self, data: Data, p: Array, row: Array, control: Control) -> tuple[Array, Array]:
        """Return the loss and the gradient of each node, both as the samples have them: noise is linear in p."""
        value, slopes = _network.gradients(data, p)
        deviation = data["sigma"] / library(p).sqrt(data["samples"] * shares(control, data["sigma"]))
        noise = deviation[:, None] * row
        return value + (noise * p).sum(axis=1), slopes + noise

    def metric(self, data: Data, p: Array) -> Array:
        """Return the mean squared error over the nodes as a share of that at the start."""
        return _network.error(data, p)

    def mix(self, data: Data, x: Array) -> Array:
        """Average over the neighbours."""
        return _network.mix(data, x)

    def spread(self, data: Data, p: Array) -> Array:
        """Return the deviation of one sample at each node, as a share of the mean."""
        return data["sigma"] / data["sigma"].mean()


def shares(control: Control, sigma: Array) -> Array:
    """Return what part of the samples each node gets, positive and of mean 1."""
    if "weights" not in control:
        return np.ones(sigma.shape)
    xp = library(control["weights"])
    asked = xp.maximum(control["weights"], 0)
    mean = asked.mean()
    sound = xp.isfinite(mean) & (mean > 0)
    part = xp.where(sound, asked / xp.where(sound, mean, 1.0), 1.0)
    least = xp.maximum(part, LEAST)
    return least / least.mean()


family = NodeSampling()
