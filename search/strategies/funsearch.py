"""FunSearch: islands of programs in clusters, prompts of two versions sorted by score, and resets of the worse islands.

Source: Romera-Paredes et al. 2024, "Mathematical discoveries from program search with large language models",
Nature 625, methods, and the code published with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Candidate, Request, Trial
from slotforge.search.strategies._common import at_least, candidate_of, race_against_weakest, ratio_of
from slotforge.search.strategies._islands import Island
from slotforge.search.strategies._slots import one_of


@dataclass(kw_only=True)
class FunSearch:
    """Keeps every program that was measured in full, on the island whose programs it was made from.

    islands: how many.
    versions: programs in a prompt.
    temperature: of the choice of clusters in an island without programs, on scores divided by their spread.
    period: programs of an island until its temperature has sunk to 0, and begins anew.
    reset: trials between two resets of the worse half of the islands.
    """

    islands: int = 5
    versions: int = 2
    temperature: float = 0.1
    period: int = 30_000
    reset: int = 40
    _islands: list[Island] = field(default_factory=list, init=False)
    _under_way: deque[int] = field(default_factory=deque, init=False)
    _until_reset: int = field(default=0, init=False)

    operators: ClassVar[Sequence[str]] = ("funsearch",)

    def __post_init__(self) -> None:
        at_least(1, islands=self.islands, versions=self.versions, period=self.period, reset=self.reset)
        at_least(0.001, temperature=self.temperature)
        self._until_reset = self.reset

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for the next version after some of an island, in one slot."""
        self._islands = self._islands or [Island(best=archive.seeds[0]) for _ in range(self.islands)]
        if self._until_reset <= 0:
            self._reset(rng)
        place = int(rng.integers(self.islands))
        self._under_way.append(place)
        island = self._islands[place]
        heat = self.temperature * (1 - island.programs % self.period / self.period)
        drawn = [candidate_of(trial) for trial in island.draw(self.versions, heat, rng)]
        (slot,) = one_of(archive.slots, rng)
        return Request(operator="funsearch", parents=_distinct(drawn, slot), slots=(slot,))

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Register a program with its island."""
        self._until_reset -= 1
        island = self._islands[self._under_way.popleft()]
        if trial.scored:
            island.register(trial)
        race_against_weakest(archive, [island.best for island in self._islands])

    def _reset(self, rng: Generator) -> None:
        """Let the worse half of the islands begin anew, each from the best of a survivor; ties fall by chance."""
        self._until_reset += self.reset
        order = sorted(rng.permutation(self.islands), key=lambda place: ratio_of(self._islands[place].best))
        keep = self.islands - self.islands // 2
        for lost in order[keep:]:
            survivor = self._islands[order[int(rng.integers(keep))]]
            self._islands[lost] = Island(best=survivor.best)


def _distinct(versions: Sequence[Candidate], slot: str) -> tuple[Candidate, ...]:
    """Leave out versions, of which the best come first, whose code in a slot is that of a better one."""
    found: dict[str | None, Candidate] = {}
    for version in versions:
        found.setdefault(version.slots.get(slot), version)
    return tuple(found.values())


strategy = FunSearch
