"""Quasigroup with holes: complete a Latin square from which cells were erased.

Source: Achlioptas, Gomes, Kautz and Selman, "Generating satisfiable problem instances", AAAI 2000. The square is filled
row by row with random matchings, so every formula is satisfiable. Hardest when about 42 % of the cells are holes; times
are heavy-tailed, so use several seeds.
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


@dataclass(frozen=True, kw_only=True)
class QuasigroupWithHoles(Family):
    """Latin square completion with a planted answer.

    order: rows, columns and symbols of the square.
    holes: percentage of erased cells.
    """

    order: int = size(37, 2, 100)
    holes: float = size(42.0, 0.0, 100.0)

    small: ClassVar[Mapping[str, Parameter]] = {"order": 9, "holes": 50.0}

    def formula(self, rng: Generator) -> Formula:
        square = latin_square(self.order, rng)
        cells = rng.permutation(self.order**2)[: round(self.order**2 * self.holes / 100)]
        holes = [divmod(int(cell), self.order) for cell in cells]
        square[tuple(np.array(holes, dtype=np.intp).reshape(-1, 2).T)] = -1
        return self._completion(square, sorted(holes))

    def _completion(self, square: np.ndarray, holes: list[tuple[int, int]]) -> Formula:
        """Encode each cell, and each symbol of a row or column that is still missing there, as exactly one."""
        builder = Builder()
        everything = set(range(self.order))
        of_row = [everything - set(line.tolist()) for line in square]
        of_column = [everything - set(line.tolist()) for line in square.T]
        groups: dict[tuple[str, int, int], list[int]] = {}
        for row, column in holes:
            groups["cell", row, column] = []
            for symbol in of_row[row] & of_column[column]:
                literal = builder.fresh()
                for group in (("cell", row, column), ("row", row, symbol), ("column", column, symbol)):
                    groups.setdefault(group, []).append(literal)
        for literals in groups.values():
            builder.exactly_one(literals)
        return builder.formula("sat")


def latin_square(order: int, rng: Generator) -> np.ndarray:
    """Draw a Latin square row by row; by Hall's theorem every partial one can be extended (Ryser 1951).

    Returns:
        Array of shape (order, order) with values in 0..order-1; all squares can occur, not equally often.
    """
    from scipy.optimize import linear_sum_assignment

    free = np.ones((order, order), dtype=bool)
    square = np.empty((order, order), dtype=np.int64)
    for row in range(order):
        columns, symbols = linear_sum_assignment(np.where(free, rng.random((order, order)), 2.0 * order))
        square[row, columns] = symbols
        free[columns, symbols] = False
    return square
