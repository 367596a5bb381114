"""Minimal disagreement parity: learn a secret parity from samples of which some are wrong.

Source: Crawford, Kearns and Schapire, "The minimal disagreement parity problem as a hard satisfiability problem", 1994
(the par8/16/32 formulas of DIMACS). Find a vector over GF(2) that disagrees with at most `errors` of the samples; the
secret does, so every formula is satisfiable. Effort doubles with each bit of the secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.builder import Builder


@dataclass(frozen=True, kw_only=True)
class Parity(Family):
    """Noisy parity learning with a planted secret.

    bits: length of the secret.
    samples: number of samples.
    errors: number of wrong samples, and the number that a solution may disagree with.
    """

    bits: int = size(20, 2, 200)
    samples: int = size(40, 2, 2000)
    errors: int = size(5, 0, 1000)

    small: ClassVar[Mapping[str, Parameter]] = {"bits": 8, "samples": 16, "errors": 2}

    def conflict(self) -> str | None:
        return f"errors={self.errors} must be below samples={self.samples}" if self.errors >= self.samples else None

    def formula(self, rng: Generator) -> Formula:
        secret = rng.integers(2, size=self.bits)
        rows = rng.integers(2, size=(self.samples, self.bits))
        labels = (rows @ secret) % 2
        labels[rng.choice(self.samples, self.errors, replace=False)] ^= 1
        builder = Builder()
        answer = builder.word(self.bits)
        wrong = []
        for row, label in zip(rows, labels, strict=True):
            inputs = [x for x, used in zip(answer, row, strict=True) if used]
            wrong.append(reduce(builder.xor, inputs, builder.true if label else -builder.true))
        builder.at_most(wrong, self.errors)
        return builder.formula("sat")
