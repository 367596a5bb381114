"""Multiplier miters: two circuits for the same product, asked for an input on which they differ.

Source: the classic hard case of equivalence checking (e.g. Kaufmann and Biere on multiplier verification, FMCAD 2017).
One circuit computes a*b, the other b*a; the bits of each column are added in an order drawn for each formula (or as an
array against a Wallace tree), so the two share little inside. Always unsatisfiable. Effort grows four- to fivefold
with each bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, choice, size
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.families.encode.circuit import anywhere, first, last, multiply
from slotforge.solvers.sat.shuffle import shuffled


@dataclass(frozen=True, kw_only=True)
class Miter(Family):
    """Two multipliers that are equal.

    bits: bits of each operand.
    shape: random adder trees in both, or an array against a Wallace tree (then formulas differ in names only).
    """

    bits: int = size(7, 2, 32)
    shape: str = choice("random", "array_wallace")

    small: ClassVar[Mapping[str, Parameter]] = {"bits": 4}

    def formula(self, rng: Generator) -> Formula:
        shapes = {"random": (anywhere(rng), anywhere(rng)), "array_wallace": (last, first)}
        left, right = shapes[self.shape]
        builder = Builder()
        a, b = builder.word(self.bits), builder.word(self.bits)
        pairs = zip(multiply(builder, a, b, left), multiply(builder, b, a, right), strict=True)
        builder.add(*(builder.xor(x, y) for x, y in pairs))
        return shuffled(builder.formula("unsat"), rng)
