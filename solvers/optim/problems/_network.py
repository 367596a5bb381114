"""Nodes of a network, each with a quadratic of its own, who look for the minimiser of the mean.

f_i(x) = 1/2 (x - c_i)' H_i (x - c_i). Each node numbers the entries of its vectors in an order of its own, and `mix`
translates, so that it is the whole vectors that are sent and added.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import Array, Data, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library

RING, COMPLETE, STAR = range(3)
RANGES = {"nodes": whole(3), "d": whole(1), "graph": whole(RING, STAR), "apart": Range(1e-6)}


def draw(knobs: Knobs, rng: Generator) -> dict[str, Any]:
    """Draw the quadratics, and the order of the entries at each node."""
    nodes, d = int(knobs["nodes"]), int(knobs["d"])
    roots = rng.standard_normal((nodes, d, d))
    curves = roots @ roots.mT / d + 0.1 * np.eye(d)
    centres = knobs["apart"] * rng.standard_normal((nodes, d))
    best = np.linalg.solve(curves.sum(axis=0), np.einsum("nij,nj->i", curves, centres))
    order = rng.random((nodes, d)).argsort(axis=1)
    return {
        "curves": curves,
        "centres": centres,
        "best": best,
        "order": order.astype(np.int32),
        "back": order.argsort(axis=1).astype(np.int32),
        "weights": weights(nodes, int(knobs["graph"])),
    }


def weights(nodes: int, graph: int) -> np.ndarray:
    """Return how much each node takes from each: one over the larger of both neighbourhoods, the rest from itself."""
    links = np.ones((nodes, nodes)) - np.eye(nodes)
    if graph == RING:
        links = np.roll(np.eye(nodes), 1, axis=0) + np.roll(np.eye(nodes), -1, axis=0)
    if graph == STAR:
        links[1:, 1:] = 0
    size = 1 + links.sum(axis=0)
    shares = links / np.maximum(size[:, None], size)
    return np.asarray(shares + np.diag(1 - shares.sum(axis=1)))


def gradients(data: Data, p: Array) -> tuple[Array, Array]:
    """Return the loss and the gradient of each node."""
    error = _shared(data, p) - data["centres"]
    slopes = library(p).einsum("nij,nj->ni", data["curves"], error)
    return (error * slopes).sum(axis=1) / 2, _own(data, slopes)


def error(data: Data, p: Array) -> Array:
    """Return the mean squared distance of the nodes from the minimiser, as a share of that of 0.

    It is the squared error of their mean plus the mean squared distance from that mean.
    """
    return ((_shared(data, p) - data["best"]) ** 2).sum(axis=1).mean() / (data["best"] ** 2).sum()


def mix(data: Data, x: Array) -> Array:
    """Average over the neighbours; one number a node has no entries to translate."""
    if x.shape != data["centres"].shape:
        return library(x).tensordot(data["weights"], x, axes=1)
    return _own(data, data["weights"] @ _shared(data, x))


def _shared(data: Data, x: Array) -> Array:
    return library(x).take_along_axis(x, data["back"], axis=1)


def _own(data: Data, x: Array) -> Array:
    return library(x).take_along_axis(x, data["order"], axis=1)
