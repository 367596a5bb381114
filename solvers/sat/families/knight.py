"""Knight's tour: a closed tour of the knight over all squares of a board.

Source: Schwenk, "Which rectangular chessboards have a knight's tour?", 1991, gives the status: on a board of m <= n
there is none exactly when both are odd, m is 1, 2 or 4, or m is 3 and n is 4, 6 or 8. Each formula draws its own first
square and its own names. Times are heavy-tailed, and grow steeply with the board.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.families.encode.cycle import hamiltonian_cycle
from slotforge.solvers.sat.shuffle import shuffled

_MOVES = ((1, 2), (1, -2), (-1, 2), (-1, -2), (2, 1), (2, -1), (-2, 1), (-2, -1))


@dataclass(frozen=True, kw_only=True)
class KnightTour(Family):
    """Closed knight's tours.

    rows: rows of the board.
    columns: columns of the board; 0 stands for as many as rows.
    """

    rows: int = size(8, 3, 100)
    columns: int = size(0, 0, 100)

    small: ClassVar[Mapping[str, Parameter]] = {"rows": 6}

    def formula(self, rng: Generator) -> Formula:
        rows, columns = self.rows, self.columns or self.rows
        builder = Builder()
        hamiltonian_cycle(builder, moves(rows, columns), rows * columns, start=int(rng.integers(rows * columns)))
        return shuffled(builder.formula("sat" if _possible(*sorted((rows, columns))) else "unsat"), rng)


def moves(rows: int, columns: int) -> list[tuple[int, int]]:
    """Give the knight's moves between squares numbered row by row."""
    return [
        (row * columns + column, (row + down) * columns + column + right)
        for row in range(rows)
        for column in range(columns)
        for down, right in _MOVES
        if 0 <= row + down < rows and 0 <= column + right < columns
    ]


def _possible(short: int, long: int) -> bool:
    odd = short % 2 == 1 and long % 2 == 1
    return not (odd or short in (1, 2, 4) or (short == 3 and long in (4, 6, 8)))
