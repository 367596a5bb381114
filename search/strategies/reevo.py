"""ReEvo: crossover of pairs after a reflection on what sets them apart, mutation of the best by long-term lessons.

Source: Ye et al. 2024, "ReEvo: Large Language Models as Hyper-Heuristics with Reflective Evolution", arXiv:2402.01145,
section 4 and appendix A.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.archive import better
from slotforge.search.strategies._common import (
    at_least,
    candidate_of,
    first_phase,
    race_against_weakest,
    ratio_of,
    standard_bit_mutation,
    told,
)
from slotforge.search.strategies._slots import differing

MAX_HINT = 300  # characters of a reflection that go on to the long-term one
MAX_HINTS = 50  # of which the last go on


@dataclass(kw_only=True)
class ReEvo:
    """Replaces its population by the children of each generation; only the best of all outlives it.

    population: crossovers of a generation.
    initial: trials that write something new, before there are generations.
    mutation_rate: mutations of the best in a generation, as a share of `population`.
    """

    population: int = 10
    initial: int = 30
    mutation_rate: float = 0.5
    _members: list[Trial] = field(default_factory=list, init=False)
    _children: list[Trial] = field(default_factory=list, init=False)
    _best: Trial | None = field(default=None, init=False)
    _hints: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_HINTS), init=False)
    _lessons: str = field(default="", init=False)
    _asked: int = field(default=0, init=False)

    operators: ClassVar[Sequence[str]] = ("fresh", "reevo_crossover", "reevo_mutate")

    def __post_init__(self) -> None:
        at_least(1, population=self.population, initial=self.initial)
        at_least(0, mutation_rate=self.mutation_rate)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for something new at first, then for crossovers and mutations in turns."""
        self._asked += 1
        place = self._place(self._asked, archive)
        if place >= self.population:
            return self._mutation(archive, rng, reflect=place == self.population)
        pairs = [] if place < 0 else self._pairs(archive)
        if not pairs:
            slots = standard_bit_mutation(archive.slots, rng)
            return Request(operator="fresh", parents=(candidate_of(archive.seeds[0]),), slots=slots)
        pair = tuple(candidate_of(trial) for trial in pairs[int(rng.integers(len(pairs)))])
        slots = standard_bit_mutation(differing(pair, archive.slots), rng)
        return Request(operator="reevo_crossover", parents=pair, slots=slots)

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Keep reflections, and replace the population once all children of a generation are in."""
        self._reflect(trial)
        if trial.scored and better(trial, self._elite(archive)):
            self._best = trial
        place = self._place(told(archive), archive)
        if trial.scored:
            (self._members if place >= self.population else self._children).append(trial)
        if place in (-1, self.population - 1):
            self._members, self._children = self._children, []
        if self._members:
            race_against_weakest(archive, self._members)

    def _place(self, number: int, archive: Archive) -> int:
        """Return the place of a proposal in its generation: below 0 before the first, crossovers, then mutations."""
        later = number - 1 - first_phase(self.initial, archive)
        return later if later < 0 else later % (self.population + int(self.population * self.mutation_rate))

    def _elite(self, archive: Archive) -> Trial:
        return self._best or archive.seeds[0]

    def _pairs(self, archive: Archive) -> list[tuple[Trial, Trial]]:
        """Return all pairs that differ in objective, the better first.

        Where the population has none, children that are in and seeds count as well.
        """
        members = [*self._members, self._elite(archive)]
        return _ordered(members) or _ordered([*members, *self._children, *archive.seeds])

    def _mutation(self, archive: Archive, rng: Generator, *, reflect: bool) -> Request:
        """Ask for a mutation of the best; the first of a generation draws the lessons from the hints since the last."""
        texts = {"lessons": self._lessons}
        if reflect and self._hints:
            texts["hints"] = "\n".join(f"- {hint}" for hint in self._hints)
            self._hints.clear()
        slots = standard_bit_mutation(archive.slots, rng)
        parents = (candidate_of(self._elite(archive)),)
        return Request(operator="reevo_mutate", parents=parents, slots=slots, told=texts)

    def _reflect(self, trial: Trial) -> None:
        if hint := " ".join(trial.said.get("reevo_reflect", "").split()):
            self._hints.append(hint[:MAX_HINT])
        self._lessons = trial.said.get("reevo_lessons", "").strip() or self._lessons


def _ordered(trials: Sequence[Trial]) -> list[tuple[Trial, Trial]]:
    each = {trial.number: trial for trial in trials}.values()
    return [(one, other) for one in each for other in each if ratio_of(one) < ratio_of(other)]


strategy = ReEvo
