"""Set covering with conflicts (SCPC): cover all elements with few sets, no two of which are in conflict.

Source: the set covering problem with pairs in conflict, as in the SAT Competitions 2022 and 2023. Sets are random; a
cover of `picks` sets without a conflict is hidden among them, so every formula is satisfiable. Effort grows with the
elements and sets, and is largest when the hidden cover is the only one. Times are heavy-tailed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families import Family, Parameter, size
from slotforge.solvers.sat.families.encode.builder import Builder


@dataclass(frozen=True, kw_only=True)
class SetCoveringWithConflicts(Family):
    """Random set covering with a planted answer.

    elements: number of elements to cover.
    sets: number of sets.
    picks: number of sets that a cover may have, and that the hidden one has.
    density: percentage of the elements in each set.
    conflicts: percentage of the pairs of sets that exclude each other.
    """

    elements: int = size(120, 1, 10_000)
    sets: int = size(120, 1, 10_000)
    picks: int = size(11, 1, 1000)
    density: float = size(18.0, 0.0, 100.0)
    conflicts: float = size(10.0, 0.0, 100.0)

    small: ClassVar[Mapping[str, Parameter]] = {"elements": 25, "sets": 25, "picks": 6, "density": 30.0}

    def conflict(self) -> str | None:
        if self.picks > self.sets:
            return f"picks={self.picks} must be at most sets={self.sets}"
        if self.picks * self._members < self.elements:
            return f"picks={self.picks} sets of {self._members} cannot cover elements={self.elements}; raise density"
        return None

    @property
    def _members(self) -> int:
        return round(self.elements * self.density / 100)

    def formula(self, rng: Generator) -> Formula:
        member = rng.random((self.sets, self.elements)).argsort(axis=1).argsort(axis=1) < self._members
        hidden = rng.choice(self.sets, self.picks, replace=False)
        member[hidden] = self._cover(rng)
        builder = Builder()
        use = builder.word(self.sets)
        for column in member.T:
            builder.add(*(use[i] for i in np.flatnonzero(column)))
        clash = np.triu(rng.random((self.sets, self.sets)) < self.conflicts / 100, 1)
        clash[np.ix_(hidden, hidden)] = False
        for i, j in np.argwhere(clash):
            builder.add(-use[i], -use[j])
        builder.at_most(use, self.picks)
        return builder.formula("sat")

    def _cover(self, rng: Generator) -> np.ndarray:
        """Draw sets of equal size that together hold every element: a partition, filled up at random."""
        owner = rng.permutation(np.arange(self.elements) % self.picks)
        owned = owner == np.arange(self.picks)[:, None]
        rank = (rng.random(owned.shape) + ~owned).argsort(axis=1).argsort(axis=1)
        return np.asarray(rank < self._members)
