"""Hamiltonian cycles: a successor for each node, and a position code that steps along it.

The codes are states of a linear feedback shift register, whose step costs one XOR and no carry chain
(Zhou, "In pursuit of an efficient SAT encoding for the Hamiltonian cycle problem", CP 2020; used in Picat).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from slotforge.solvers.sat.families.encode.builder import Builder

# Exponents of a primitive polynomial of each degree, so that all 2^degree - 1 non-zero states are on one cycle.
TAPS: dict[int, tuple[int, ...]] = {
    2: (2, 1), 3: (3, 2), 4: (4, 3), 5: (5, 3), 6: (6, 5), 7: (7, 6), 8: (8, 6, 5, 4), 9: (9, 5), 10: (10, 7),
    11: (11, 9), 12: (12, 6, 4, 1), 13: (13, 4, 3, 1), 14: (14, 5, 3, 1), 15: (15, 14), 16: (16, 15, 13, 4),
}  # fmt: skip


def hamiltonian_cycle(
    builder: Builder, arcs: Sequence[tuple[int, int]], nodes: int, start: int
) -> dict[tuple[int, int], int]:
    """Assert that the chosen arcs form one cycle through all nodes.

    A cycle that avoids `start` has fewer nodes than the register has states, so its codes cannot close. The zero state,
    which steps to itself, is forbidden.

    Args:
        builder: where the clauses go.
        arcs: pairs (from, to) of nodes in 0..nodes-1; both directions of an edge are two arcs.
        nodes: at least 3 and less than 2^16.
        start: the node that has the first code.

    Returns:
        The literal of each arc, true when the cycle uses it.
    """
    degree = max(2, nodes.bit_length())
    used = {arc: builder.fresh() for arc in arcs}
    for node in range(nodes):
        builder.exactly_one([literal for (source, _), literal in used.items() if source == node])
        builder.exactly_one([literal for (_, target), literal in used.items() if target == node])
    codes = [builder.constant(1, degree) if node == start else builder.word(degree) for node in range(nodes)]
    for code in codes:
        builder.add(*code)
    stepped = [[reduce(builder.xor, (code[tap - 1] for tap in TAPS[degree])), *code[:-1]] for code in codes]
    for (source, target), literal in used.items():
        if target != start:
            for x, y in zip(stepped[source], codes[target], strict=True):
                builder.add(-literal, -x, y)
                builder.add(-literal, x, -y)
    return used
