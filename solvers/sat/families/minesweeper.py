"""Minesweeper: place the mines so that every revealed number is right.

Source: Kaye, "Minesweeper is NP-complete", 2000; as a SAT family in AutoSAT (2024). A mine map is drawn and some of its
free cells are revealed, so every formula is satisfiable. Numbers are written out over the neighbours that are not
themselves revealed. Local structure: effort grows mildly with the area and peaks at about a third of mines and hints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size


@dataclass(frozen=True, kw_only=True)
class Minesweeper(Family):
    """Consistency of a minesweeper board with a planted answer.

    rows: rows of the board.
    columns: columns of the board.
    mines: percentage of cells with a mine.
    hints: percentage of cells that show their number (of those without a mine, as far as they reach).
    """

    rows: int = size(200, 1, 2000)
    columns: int = size(200, 1, 2000)
    mines: float = size(35.0, 0.0, 100.0)
    hints: float = size(35.0, 0.0, 100.0)

    small: ClassVar[Mapping[str, Parameter]] = {"rows": 12, "columns": 12}

    def formula(self, rng: Generator) -> Formula:
        shape = (self.rows, self.columns)
        mine = rng.random(shape) < self.mines / 100
        order = rng.permutation(np.flatnonzero(~mine))
        shown = np.zeros(shape, dtype=bool)
        shown.flat[order[: round(mine.size * self.hints / 100)]] = True
        variable = np.zeros(shape, dtype=np.int64)
        variable[~shown] = np.arange(1, mine.size - shown.sum() + 1)
        around = np.lib.stride_tricks.sliding_window_view(np.pad(variable, 1), (3, 3))
        count = np.lib.stride_tricks.sliding_window_view(np.pad(mine, 1), (3, 3)).sum(axis=(2, 3))
        clauses: list[list[int]] = []
        for window, number in zip(around[shown].reshape(-1, 9).tolist(), count[shown].tolist(), strict=True):
            cells = [x for x in window if x]
            signed = (cells, [-x for x in cells])
            clauses.extend([signed[flip][i] for i in picked] for flip, picked in _exactly(len(cells), number))
        return Formula(variables=int(variable.max()), clauses=clauses, status="sat")


@cache
def _exactly(cells: int, number: int) -> list[tuple[int, tuple[int, ...]]]:
    """Give the clauses of "exactly `number` of `cells`" as (1 for negative literals, positions)."""
    too_many = [(1, picked) for picked in combinations(range(cells), number + 1)]
    too_few = [(0, picked) for picked in combinations(range(cells), cells - number + 1)]
    return too_many + too_few
