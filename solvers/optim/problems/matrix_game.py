"""Zero-sum matrix games in mixed strategies, judged by the last iterate.

The point has the logits of both players as its rows, x = softmax(p_0) who pays x' A y to y = softmax(p_1). The oracle
gives the operator in the payoffs, (A y, -A' x), so that p - eta g is multiplicative weights; a run starts at the
uniform strategies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import FLAG, Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library, softmax


class MatrixGame(Family):
    """Knobs: n, actions of each player; skew, 1 for a game that looks alike to both, as rock, paper, scissors;
    rank, of the payoffs (0: full).
    """

    name = "matrix_game"
    knobs: ClassVar[Knobs] = {"n": 20, "skew": 0, "rank": 0}
    ranges: ClassVar[Mapping[str, Range]] = {"n": whole(2), "skew": FLAG, "rank": whole(0)}
    within = (("rank", "n"),)
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{"n": 10}, {"n": 12}],
        "select": [{"n": 8}, {"n": 15}],
        "holdout": [{"n": 30}, {}, {"skew": 1}, {"n": 50, "rank": 5}],
    }
    specialists = ("nash_mirror_prox", "optimistic_gda", "extragradient")
    goal = 1e-3
    budget = 16000
    brief = True
    stride = 8

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw payoffs from U[-1, 1], or as a product of factors with these entries."""
        n, rank = int(knobs["n"]), int(knobs["rank"])
        payoff = rng.uniform(-1, 1, (n, n))
        if rank:
            payoff = payoff[:, :rank] @ rng.uniform(-1, 1, (rank, n))
        return {"payoff": np.triu(payoff, 1) - np.triu(payoff, 1).T if knobs["skew"] else payoff}

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at the uniform strategies."""
        return np.zeros((2, len(data["payoff"])))

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return what the first player pays, and the operator."""
        x, y = softmax(p)
        costs = data["payoff"] @ y
        return x @ costs, library(p).stack([costs, -data["payoff"].T @ x])

    def metric(self, data: Data, p: Array) -> Array:
        """Return the duality gap: what both together could gain by their best answers."""
        x, y = softmax(p)
        return (data["payoff"].T @ x).max() - (data["payoff"] @ y).min()


family = MatrixGame()
