"""MD4 preimages: find a message block with the reduced-round digest of a random one.

Source: Rivest, RFC 1320; De, Kumarasubramanian and Venkatesan, "Inversion attacks on secure hash functions using SAT
solvers", SAT 2007. A random block is hashed, so every formula is satisfiable. The first 16 steps are inverted by
propagation; effort explodes from about 28 to 32 of the 48 steps. Giving message bits away makes it harder, then easier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.digest import md4, preimage


@dataclass(frozen=True, kw_only=True)
class Md4(Family):
    """Inversion of reduced MD4.

    steps: number of steps, of 48.
    known: number of message bits that are given, of 512.
    """

    steps: int = size(28, 1, 48)
    known: int = size(0, 0, 512)

    small: ClassVar[Mapping[str, Parameter]] = {"steps": 17, "known": 64}

    def formula(self, rng: Generator) -> Formula:
        return preimage(md4, self.steps, self.known, rng)
