"""Small formulas of many kinds, drawn from a generator: random around the threshold, structured, and their twins."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from slotforge.solvers.sat import families
from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.shuffle import shuffled

if TYPE_CHECKING:
    from numpy.random import Generator

THRESHOLD = {2: 1.0, 3: 4.27, 4: 9.93, 5: 21.12}
"""Clauses per variable at which random k-SAT turns unsatisfiable (Mertens, Mezard and Zecchina 2006)."""

BASES = 12  # formulas of each family that twins are made of
_SHARES = {"mixed": 0.42, "uniform": 0.2, "hard": 0.08, "structured": 0.3}
_SLOW = {"md4": 0.1, "sha1": 0.1, "prp": 0.2, "knight": 0.5}
"""Families with thousands of clauses, and how often they are drawn relative to the others."""


def draw(rng: Generator) -> tuple[str, Formula]:
    """Draw one formula with the name of its kind."""
    kind = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
    if kind == "structured":
        return _structured(rng)
    return kind, _RANDOM[kind](rng)


def _mixed(rng: Generator) -> Formula:
    """Clauses of several lengths, with repeated literals, tautologies and units among them."""
    variables = int(rng.integers(5, 61))
    longest = int(rng.integers(2, 6))
    share = rng.dirichlet([1.0] * (longest - 1)) / [THRESHOLD[k] for k in range(2, longest + 1)]
    count = round(variables * float(rng.uniform(0.7, 1.5)) / float(share.sum()))
    lengths = 2 + rng.choice(longest - 1, size=count, p=share / share.sum())
    clauses = [_literals(variables, int(length), rng, distinct=rng.random() < 0.9) for length in lengths]
    clauses += [_literals(variables, 1, rng, distinct=True) for _ in range(rng.poisson(0.5))]
    return Formula(variables=variables, clauses=clauses)


def _uniform(rng: Generator) -> Formula:
    """Random k-SAT at the threshold or close to it."""
    k = int(rng.integers(3, 6))
    variables = int(rng.integers(5, {3: 61, 4: 51, 5: 36}[k]))
    count = round(variables * THRESHOLD[k] * float(rng.uniform(0.85, 1.2)))
    return Formula(variables=variables, clauses=[_literals(variables, k, rng, distinct=True) for _ in range(count)])


def _hard(rng: Generator) -> Formula:
    """Random 3-SAT that needs thousands of conflicts, so that usual numbers too make the solver forget and rephase."""
    variables = int(rng.integers(120, 176))
    count = round(variables * float(rng.uniform(4.1, 4.6)))
    return Formula(variables=variables, clauses=[_literals(variables, 3, rng, distinct=True) for _ in range(count)])


_RANDOM = {"mixed": _mixed, "uniform": _uniform, "hard": _hard}


def _literals(variables: int, length: int, rng: Generator, *, distinct: bool) -> list[int]:
    chosen = 1 + rng.choice(variables, size=length, replace=not distinct or length > variables)
    return [int(v) for v in chosen * rng.choice([-1, 1], size=length)]


def _structured(rng: Generator) -> tuple[str, Formula]:
    known = list(families.names())
    weights = [_SLOW.get(name, 1.0) for name in known]
    name = known[int(rng.choice(len(known), p=[w / sum(weights) for w in weights]))]
    formula = _base(name, int(rng.integers(BASES)))
    return name, shuffled(formula, rng) if rng.random() < 0.8 else formula


@cache
def _base(name: str, index: int) -> Formula:
    return families.generate(":".join([name, *(f"{k}={v}" for k, v in _small(name).items())]), 0, index)


def _small(name: str) -> dict[str, families.Parameter]:
    return dict(families.make(name).small)
