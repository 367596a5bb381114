"""CoinsGrid: coins on a board, equally many in each row and column, close to the diagonal.

Source: Hürlimann's coins grid, in the form of Picat and AutoSAT: an n*n board, `coins` in every row and column, at
most one a cell, and the sum of squared distances from the diagonal at most a bound. The least sum is that of a
transportation problem, found here exactly by linear programming, so the status is known. Each formula draws its number
of coins, as AutoSAT does, and cells that must stay empty. Proving the bound below the optimum is far harder.
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
from slotforge.solvers.sat.families.encode.circuit import less, sum_columns


@dataclass(frozen=True, kw_only=True)
class CoinsGrid(Family):
    """Coins on a board at near-minimal cost.

    side: rows and columns of the board.
    slack: how far the bound lies above the optimum; below zero the formula is unsatisfiable.
    blocked: number of cells that must stay empty.
    """

    side: int = size(11, 4, 60)
    slack: int = size(0, -1000, 100_000)
    blocked: int = size(4, 0, 1000)

    small: ClassVar[Mapping[str, Parameter]] = {"side": 6, "slack": 4, "blocked": 2}

    def conflict(self) -> str | None:
        limit = self.side // 2
        return f"blocked={self.blocked} is out of range; use at most {limit}" if self.blocked > limit else None

    def formula(self, rng: Generator) -> Formula:
        cost = np.subtract.outer(np.arange(self.side), np.arange(self.side)) ** 2
        coins = int((0.32 + rng.random() / 8) * self.side)
        rows, columns = (rng.permutation(self.side)[: self.blocked] for _ in range(2))
        free = np.ones(cost.shape, dtype=bool)
        free[rows, columns] = False
        bound = max(0, _least_cost(cost, free, coins) + self.slack)
        return self._board(cost, free, coins, bound).formula("sat" if self.slack >= 0 else "unsat")

    def _board(self, cost: np.ndarray, free: np.ndarray, coins: int, bound: int) -> Builder:
        builder = Builder()
        coin = np.zeros(cost.shape, dtype=np.int64)
        coin[free] = builder.word(int(free.sum()))
        for line in (*coin, *coin.T):
            builder.exactly([int(x) for x in line if x], coins)
        width = int(cost.sum()).bit_length()
        weighted = [(int(x), int(c)) for x, c in zip(coin[free], cost[free], strict=True)]
        columns = [[x for x, c in weighted if c >> bit & 1] for bit in range(width)]
        total = sum_columns(builder, columns)
        builder.add(-less(builder, builder.constant(bound, width), total))
        return builder


def _least_cost(cost: np.ndarray, free: np.ndarray, coins: int) -> int:
    """Give the least cost of a board; the constraint matrix is totally unimodular, so the relaxation is exact."""
    from scipy.optimize import linprog

    side = len(cost)
    lines = np.concatenate([np.kron(np.eye(side), np.ones(side)), np.kron(np.ones(side), np.eye(side))])
    limits = [(0.0, float(allowed)) for allowed in free.ravel()]
    result = linprog(cost.ravel(), A_eq=lines, b_eq=np.full(2 * side, coins), bounds=limits)
    return int(np.rint(np.dot(np.asarray(result.x), cost.ravel())))
