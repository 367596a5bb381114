"""Factoring: two words whose product, by a multiplier circuit, is a given number.

Source: the classic hard circuit inversion, e.g. Purdom and Sabry's generator of CNF from factoring problems. Both
factors have half the bits and exceed one. A semiprime of two primes of that width is satisfiable in two ways, a prime
is unsatisfiable. Effort doubles with about 2 bits. The shape of the adder tree is drawn for each formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, choice, size
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.families.encode.circuit import anywhere, equal, multiply

_WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


@dataclass(frozen=True, kw_only=True)
class Factoring(Family):
    """Factor a number of 2*bits bits.

    bits: bits of each factor.
    number: what is factored, a semiprime (satisfiable) or a prime (unsatisfiable).
    """

    bits: int = size(17, 3, 32)
    number: str = choice("semiprime", "prime")

    small: ClassVar[Mapping[str, Parameter]] = {"bits": 6}

    def formula(self, rng: Generator) -> Formula:
        semiprime = self.number == "semiprime"
        target = _prime(self.bits, rng) * _prime(self.bits, rng) if semiprime else _prime(2 * self.bits, rng)
        builder = Builder()
        a, b = builder.word(self.bits), builder.word(self.bits)
        for factor in (a, b):
            builder.add(*factor[1:])
        product = multiply(builder, a, b, anywhere(rng))
        equal(builder, product, builder.constant(target, 2 * self.bits))
        return builder.formula("sat" if semiprime else "unsat")


def _prime(bits: int, rng: Generator) -> int:
    """Draw a prime of exactly `bits` bits."""
    while True:
        number = int(rng.integers(1 << (bits - 1), 1 << bits, dtype="uint64")) | 1
        if _is_prime(number):
            return number


def _is_prime(number: int) -> bool:
    """Miller-Rabin with the first twelve primes, exact below 3.3e24 (Sorenson and Webster 2015)."""
    if number < 2 or any(number % p == 0 for p in _WITNESSES):
        return number in _WITNESSES
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(pow(p, odd, number), twos, number) for p in _WITNESSES)


def _passes(power: int, twos: int, number: int) -> bool:
    return power in (1, number - 1) or any(pow(power, 1 << i, number) == number - 1 for i in range(1, twos))
