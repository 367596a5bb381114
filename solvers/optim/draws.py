"""What is random in a run besides its start: a seed means the same numbers for every rule, budget, lot and host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slotforge.core.ids import generator
from slotforge.solvers.optim.problems._family import Data, Family

Table = Any  # an array, a dict of arrays, or None
BLOCK = 64
KEPT_BYTES = 32 << 20  # of the first blocks, for those who go through the rows again


class Draws:
    """Rows that are drawn block by block, so that each is what it is however many are wanted."""

    def __init__(self, draw: Callable[[int], Table], kept_bytes: int = 0) -> None:
        """Take a function from the number of a block to its BLOCK rows, and how many bytes of blocks to keep."""
        self._draw = draw
        self._blocks: dict[int, Table] = {}
        self._kept: dict[int, Table] = {}
        self._room = kept_bytes

    def rows(self, at: int, count: int) -> Table:
        """Return some rows; those before them are forgotten where they are not kept."""
        wanted = range(at // BLOCK, -(-(at + count) // BLOCK))
        self._blocks = {number: self._block(number) for number in wanted}
        begin = at - wanted[0] * BLOCK
        return _each(lambda *blocks: np.concatenate(blocks)[begin : begin + count], *self._blocks.values())

    def _block(self, number: int) -> Table:
        for held in (self._blocks, self._kept):
            if number in held:
                return held[number]
        block = self._draw(number)
        if (size := _bytes(block)) <= self._room:
            self._kept[number] = block
            self._room -= size
        return block

    def row(self, at: int) -> Table:
        """Return one row."""
        return _each(lambda rows: rows[0], self.rows(at, 1))


def samples(family: Family, data: Data, seed: int, kept_bytes: int = 0) -> Draws:
    """Draw what is random in the oracle calls of a run."""
    return Draws(lambda block: family.table(data, BLOCK, generator(seed, "samples", block)), kept_bytes)


def noise(shapes: Mapping[str, tuple[int, ...]], seed: int, dtype: str = "float64", kept_bytes: int = 0) -> Draws:
    """Draw standard normal numbers for arrays of these shapes."""

    def draw(block: int) -> Table:
        return {
            name: generator(seed, "noise", name, block).standard_normal((BLOCK, *shape)).astype(dtype)
            for name, shape in shapes.items()
        }

    return Draws(draw, kept_bytes)


def _each(function: Callable[..., Any], *tables: Table) -> Table:
    first = tables[0]
    if isinstance(first, Mapping):
        return {name: function(*(table[name] for table in tables)) for name in first}
    return None if first is None else function(*tables)


def _bytes(table: Table) -> int:
    arrays = table.values() if isinstance(table, Mapping) else [table]
    return sum(array.nbytes for array in arrays if array is not None)
