"""MAP-Elites on islands: the best candidate of every kind is kept, on axes of behaviour with scales that never move.

Source: Mouret and Clune 2015, "Illuminating search spaces by mapping elites", arXiv:1504.04909; islands in a ring as in
AlphaEvolve (Novikov et al. 2025, arXiv:2506.13131) and OpenEvolve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.archive import better
from slotforge.search.strategies._common import at_least, candidate_of, ranked, standard_bit_mutation
from slotforge.search.strategies._operators import OperatorBandit

OPERATORS = ("mutate", "crossover")

Cell = tuple[tuple[str, int], ...]  # axis and bin, by the names of the axes
Map = dict[Cell, Trial]


@dataclass(kw_only=True)
class MapElites:
    """Keeps an elite in each cell of each island, and makes children of elites.

    islands: that trials go to in turn.
    bins: of each axis, of equal width.
    greed: share of the parents that are the best of their island; the others are drawn from all of its cells alike.
    cross: share of the children that have two parents.
    migrate: trials of an island after which its best goes to the next island.
    bandit: whether children have one parent or two by what either has gained so far, instead of by `cross`.
    """

    islands: int = 2
    bins: int = 5
    greed: float = 0.6
    cross: float = 0.25
    migrate: int = 10
    bandit: bool = False
    _maps: list[Map] = field(default_factory=list, init=False)
    _asked: int = field(default=0, init=False)
    _told: int = field(default=0, init=False)
    _gains: OperatorBandit = field(default_factory=lambda: OperatorBandit(OPERATORS), init=False)

    operators: ClassVar[Sequence[str]] = OPERATORS

    def __post_init__(self) -> None:
        at_least(1, islands=self.islands, bins=self.bins, migrate=self.migrate)
        at_least(0, greed=self.greed, cross=self.cross)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for a child of one or two elites of the island whose turn it is; it is raced against its parent."""
        if not self._maps:
            self._settle(archive)
        elites = self._maps[self._asked % self.islands]
        self._asked += 1
        parent = ranked(elites.values())[0] if rng.random() < self.greed else _any(list(elites.values()), rng)
        others = [trial for trial in elites.values() if trial is not parent]
        operator = self._operator(rng, alone=not others)
        parents = [parent, *([_any(others, rng)] if operator == "crossover" else [])]
        archive.promote(parent)
        return Request(
            operator=operator,
            parents=tuple(candidate_of(trial) for trial in parents),
            slots=standard_bit_mutation(archive.slots, rng),
        )

    def _operator(self, rng: Generator, *, alone: bool) -> str:
        """Draw how many parents a child has; an elite that is alone on its island has children by itself."""
        if self.bandit:
            return self._gains.choose(OPERATORS[:1] if alone else OPERATORS, rng)
        return "crossover" if not alone and rng.random() < self.cross else "mutate"

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Put a trial into its cell if that is empty or held by a worse one, and let the best migrate in time."""
        self._gains.tell(archive, trial)
        if trial.scored:
            self._enter(self._told % self.islands, trial, archive)
        self._told += 1
        if self._told % (self.islands * self.migrate) == 0:
            leaders = [ranked(elites.values())[0] for elites in self._maps]
            for home, leader in enumerate(leaders):
                self._enter((home + 1) % self.islands, leader, archive)

    def _settle(self, archive: Archive) -> None:
        """Begin every island with the best seed, and deal out the others."""
        self._maps = [{} for _ in range(self.islands)]
        for rank, seed in enumerate(archive.seeds):
            for place in range(self.islands):
                if rank == 0 or rank % self.islands == place:
                    self._enter(place, seed, archive)

    def _enter(self, place: int, trial: Trial, archive: Archive) -> None:
        cell = cell_of(archive.behaviour(trial), self.bins)
        held = self._maps[place].get(cell)
        if held is None or better(trial, held):
            self._maps[place][cell] = trial


def cell_of(behaviour: Mapping[str, float], bins: int) -> Cell:
    """Return the cell of a behaviour; with an odd number of bins, what is as the reference is in the middle of one."""
    return tuple((axis, min(int(share * bins), bins - 1)) for axis, share in sorted(behaviour.items()))


def _any(trials: Sequence[Trial], rng: Generator) -> Trial:
    return trials[int(rng.integers(len(trials)))]


strategy = MapElites
