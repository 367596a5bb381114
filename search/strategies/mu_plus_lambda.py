"""(mu+lambda)-EA with the operators of EoH: ideas and code of a population, recombined and mutated by prompts.

Source: Liu et al. 2024, "Evolution of Heuristics: Towards Efficient Automatic Algorithm Design Using Large Language
Model", arXiv:2401.02051, section 3; parameters of its published code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.strategies._common import (
    at_least,
    candidate_of,
    first_phase,
    race_against_weakest,
    ranked,
    ratio_of,
    standard_bit_mutation,
    told,
)
from slotforge.search.strategies._exchange import exchange
from slotforge.search.strategies._operators import OperatorBandit
from slotforge.search.strategies._ranks import by_rank
from slotforge.search.strategies._slots import differing

RECOMBINING = ("eoh_e1", "eoh_e2")
MUTATING = ("eoh_m1", "eoh_m2", "eoh_m3")
DIGITS = 5  # after which ratios count as the same objective


@dataclass(kw_only=True)
class MuPlusLambda:
    """Keeps the best members that differ in their objective.

    population: members at most: mu.
    children: trials of a generation, lambda; members change only when all of them are in.
    initial: trials that write new heuristics from the task alone, before there are generations.
    parents: that E1 and E2 are shown.
    exchange: share of the trials that put whole slots of two members together instead, where that makes something new.
    bandit: whether E1 to M3 are drawn by what they have gained so far, instead of uniformly.
    """

    population: int = 5
    children: int = 5
    initial: int = 10
    parents: int = 2
    exchange: float = 0.1
    bandit: bool = False
    _members: list[Trial] = field(default_factory=list, init=False)
    _children: list[Trial] = field(default_factory=list, init=False)
    _asked: int = field(default=0, init=False)
    _exchanged: set[str] = field(default_factory=set, init=False)
    _gains: OperatorBandit = field(default_factory=lambda: OperatorBandit(RECOMBINING + MUTATING), init=False)

    operators: ClassVar[Sequence[str]] = ("eoh_i1", *RECOMBINING, *MUTATING, "crossover")

    def __post_init__(self) -> None:
        at_least(1, population=self.population, children=self.children, initial=self.initial)
        at_least(2, parents=self.parents)
        at_least(0, exchange=self.exchange)

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask for something new at first, then for a recombination or mutation of parents drawn by rank."""
        self._members = self._members or survivors(archive.seeds, self.population)
        self._asked += 1
        if self._asked <= first_phase(self.initial, archive):
            slots = standard_bit_mutation(archive.slots, rng)
            return Request(operator="eoh_i1", parents=(candidate_of(archive.seeds[0]),), slots=slots)
        if rng.random() < self.exchange and (request := self._exchange(archive, rng)):
            return request
        known = RECOMBINING + MUTATING if len(self._members) > 1 else MUTATING
        operator = self._gains.choose(known, rng) if self.bandit else known[int(rng.integers(len(known)))]
        chosen = by_rank(self._members, self.parents if operator in RECOMBINING else 1, rng)
        parents = tuple(candidate_of(trial) for trial in chosen)
        among = differing(parents, archive.slots)
        return Request(
            operator=operator,
            parents=parents,
            slots=standard_bit_mutation(among, rng),
            told={"thoughts": thoughts(chosen)},
        )

    def _exchange(self, archive: Archive, rng: Generator) -> Request | None:
        """Put whole slots of two members together, unless that was done before."""
        pair = tuple(candidate_of(trial) for trial in by_rank(self._members, 2, rng))
        written = exchange(*pair, archive.slots, rng) if len(pair) == 2 else {}
        child = pair[0].with_slots(written)
        if not written or child.id in self._exchanged or archive.measured(child):
            return None
        self._exchanged.add(child.id)
        return Request(operator="crossover", parents=pair, slots=tuple(written), written=written)

    def tell(self, archive: Archive, trial: Trial) -> None:
        """At the end of a generation, keep the best of members and children; at first, with each trial."""
        self._gains.tell(archive, trial)
        if trial.scored:
            self._children.append(trial)
        later = told(archive) - first_phase(self.initial, archive)
        if later > 0 and later % self.children != 0:
            return
        self._members = survivors([*self._members, *self._children], self.population)
        self._children.clear()
        race_against_weakest(archive, self._members)


def survivors(trials: Iterable[Trial], count: int) -> list[Trial]:
    """Return the best, best first, one for each objective."""
    distinct: dict[float, Trial] = {}
    for trial in ranked(trials):
        distinct.setdefault(round(ratio_of(trial), DIGITS), trial)
    return list(distinct.values())[:count]


def thoughts(parents: Sequence[Trial]) -> str:
    """Return the ideas that came with the code of parents, where it came with one."""
    ideas = [(place, parent.said.get("idea")) for place, parent in enumerate(parents, start=1)]
    return "\n".join(f"Parent {place}: {idea}" if len(parents) > 1 else idea for place, idea in ideas if idea)


strategy = MuPlusLambda
