"""SHA-1 preimages: find a message block with the reduced-round digest of a random one.

Source: FIPS 180-4; Nossum, "SAT-based preimage attacks on SHA-1", 2012. A random block is hashed, so every formula is
satisfiable. The first 16 steps are inverted by propagation; effort explodes from about 20 to 23 of the 80 steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.digest import preimage, sha1


@dataclass(frozen=True, kw_only=True)
class Sha1(Family):
    """Inversion of reduced SHA-1.

    steps: number of steps, of 80.
    known: number of message bits that are given, of 512.
    """

    steps: int = size(20, 1, 80)
    known: int = size(0, 0, 512)

    small: ClassVar[Mapping[str, Parameter]] = {"steps": 16, "known": 128}

    def formula(self, rng: Generator) -> Formula:
        return preimage(sha1, self.steps, self.known, rng)
