"""Arithmetic circuits on words of literals, least significant bit first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numpy.random import Generator

from slotforge.solvers.sat.families.encode.builder import Builder

Take = Callable[[list[int]], int]


def first(column: list[int]) -> int:
    """Take the oldest bit of a column: the adders form a tree (Wallace 1964)."""
    return column.pop(0)


def last(column: list[int]) -> int:
    """Take the newest bit of a column: the adders form a chain, as in an array multiplier."""
    return column.pop()


def anywhere(rng: Generator) -> Take:
    """Take bits of a column in a random order: a random adder tree."""
    return lambda column: column.pop(int(rng.integers(len(column))))


def sum_columns(builder: Builder, columns: Sequence[Sequence[int]], take: Take = first) -> list[int]:
    """Add bits by weight with full and half adders.

    Args:
        builder: where the adders go.
        columns: entry i holds the literals of weight 2^i; carries out of the last entry are dropped.
        take: the order in which a column's bits are added, which decides the shape of the circuit.

    Returns:
        The sum modulo 2^len(columns).
    """
    work = [list(column) for column in columns]
    for weight, column in enumerate(work):
        after = work[weight + 1] if weight + 1 < len(work) else None
        while len(column) > 1:
            a, b = take(column), take(column)
            c = take(column) if column else -builder.true
            column.append(builder.xor3(a, b, c))
            if after is not None:
                after.append(builder.majority(a, b, c))
    return [column[0] if column else -builder.true for column in work]


def add(builder: Builder, words: Sequence[Sequence[int]], width: int, take: Take = first) -> list[int]:
    """Add words modulo 2^width."""
    columns = [[word[bit] for word in words if bit < len(word)] for bit in range(width)]
    return sum_columns(builder, columns, take)


def multiply(builder: Builder, a: Sequence[int], b: Sequence[int], take: Take = first) -> list[int]:
    """Multiply two words; the product has the width of both together."""
    columns: list[list[int]] = [[] for _ in range(len(a) + len(b))]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            columns[i + j].append(builder.conjunction(x, y))
    return sum_columns(builder, columns, take)


def less(builder: Builder, a: Sequence[int], b: Sequence[int]) -> int:
    """Give the literal of a < b for unsigned words; the shorter one is read as if it began with zeros."""
    smaller = -builder.true
    for bit in range(max(len(a), len(b))):
        x = a[bit] if bit < len(a) else -builder.true
        y = b[bit] if bit < len(b) else -builder.true
        smaller = builder.majority(-x, y, smaller)
    return smaller


def equal(builder: Builder, a: Sequence[int], b: Sequence[int]) -> None:
    """Assert that two words of the same width are equal."""
    for x, y in zip(a, b, strict=True):
        builder.add(-x, y)
        builder.add(x, -y)
