"""A formula in conjunctive normal form as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["sat", "unsat"]


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A CNF formula.

    variables: number of variables; literals are non-zero integers in [-variables, variables].
    clauses: one sequence of literals a clause, as written (duplicates and tautologies are kept).
    status: the answer, where theory gives it.
    """

    variables: int
    clauses: Sequence[Sequence[int]]
    status: Status | None = None
