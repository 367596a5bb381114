"""Twins of a formula: the same problem under other names, to tell a heuristic that learned it by heart."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula


def shuffled(
    formula: Formula, rng: Generator, *, rename: bool = True, flip: bool = True, permute: bool = True
) -> Formula:
    """Give an isomorphic formula; its status is that of the original.

    Args:
        formula: the original; it is not changed.
        rng: the only source of randomness.
        rename: permute the variables.
        flip: negate every occurrence of a random half of the variables.
        permute: permute the clauses, and the literals within each.
    """
    lengths = np.fromiter(map(len, formula.clauses), dtype=np.int64, count=len(formula.clauses))
    literals = np.fromiter((x for clause in formula.clauses for x in clause), dtype=np.int64, count=int(lengths.sum()))
    owner = np.repeat(np.arange(len(lengths)), lengths)
    order = rng.permutation(formula.variables) if rename else np.arange(formula.variables)
    signs = rng.choice(np.array([-1, 1]), formula.variables) if flip else np.ones(formula.variables, dtype=np.int64)
    variables = np.abs(literals) - 1
    literals = np.sign(literals) * signs[variables] * (order[variables] + 1)
    if permute:
        place = rng.permutation(len(lengths))
        literals = literals[np.lexsort((rng.random(len(literals)), place[owner]))]
        lengths = lengths[np.argsort(place)]
    ends = np.cumsum(lengths).tolist()
    flat = literals.tolist()
    clauses = [flat[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]
    return Formula(variables=formula.variables, clauses=clauses, status=formula.status)
