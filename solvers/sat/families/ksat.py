"""Random k-SAT: uniform clauses of k distinct variables, near the satisfiability threshold.

Source: Mitchell, Selman and Levesque, "Hard and easy distributions of SAT problems", AAAI 1992. The threshold is at a
clause ratio of about 4.26 for k=3, 21.1 for k=5 and 87.8 for k=7 (Mertens, Mézard and Zecchina 2006); near it about
half of the formulas are satisfiable, and the answer is not known. Effort doubles with about 18 variables at k=3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size


@dataclass(frozen=True, kw_only=True)
class RandomKSat(Family):
    """Uniform random k-SAT.

    variables: number of variables.
    k: literals a clause.
    ratio: clauses a variable.
    """

    variables: int = size(230, 3, 1_000_000)
    k: int = size(3, 2, 20)
    ratio: float = size(4.26, 0.1, 1000.0)

    small: ClassVar[Mapping[str, Parameter]] = {"variables": 60}

    def conflict(self) -> str | None:
        return f"k={self.k} needs at least as many variables" if self.k > self.variables else None

    def formula(self, rng: Generator) -> Formula:
        count = round(self.ratio * self.variables)
        picked = [rng.choice(self.variables, self.k, replace=False) for _ in range(count)]
        signs = rng.choice(np.array([-1, 1]), (count, self.k))
        return Formula(variables=self.variables, clauses=((np.array(picked) + 1) * signs).tolist())
