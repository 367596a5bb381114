"""Optuna's tuner for the numbers of candidates: structure is for strategies and models, numbers are for it.

It changes k of n numbers at a time with k ~ Bin(n, 1/n), so that what is good stays as it is mostly, and lets the
tree-structured Parzen estimator choose the values of these together, from the newest trials of the same structure that
it was told of. One that was raced out counts as pruned: it ranks behind every one that was measured in full, the
earlier it left the further behind.

Source: Bergstra, Bardenet, Bengio and Kegl, "Algorithms for hyper-parameter optimization", NIPS 2011, section 4; that
numbers are not a model's work: van Stein, Vermetten and Baeck, "In-the-loop hyper-parameter optimization for
LLM-based automated design of heuristics", arXiv:2410.16309.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slotforge.search.strategies._common import standard_bit_mutation

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Domain
    from slotforge.core.types import Candidate, Number, Trial
    from slotforge.search.estimator import Known

DIGITS = 4  # significant ones; more would only make the code longer
REMEMBERED = 100  # trials of a structure, the newest; the time that a suggestion takes grows with them
AT_ONCE = 4  # suggestions from the same trials, once as many are known as are remembered: then one more says little


@dataclass(kw_only=True)
class Tuner:
    """Tunes numbers of candidates.

    slots: whose numbers may change.
    """

    domain: Domain
    slots: Sequence[str]
    _structures: dict[tuple[object, ...], _Structure] = field(default_factory=dict)
    _structure_of: dict[str, _Structure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from slotforge.search.estimator import Estimator

        self._estimator = Estimator()

    def numbers(self, candidate: Candidate) -> Mapping[str, Number]:
        """Return the numbers of a candidate that may change."""
        return _numbers(self.domain, candidate, self.slots)

    def ask(self, subject: Trial, rng: Generator) -> Candidate | None:
        """Write other numbers into the candidate of a trial; None where it has none."""
        if subject.candidate is None or not (numbers := self.numbers(subject.candidate)):
            return None
        known = self._of(subject.candidate, numbers)
        if not known.ready:
            own = known.told.get(subject.number) or self._estimator.known(subject, numbers)
            known.remember(subject.number, own)  # as the newest, so that it is never forgotten
            known.ready += self.suggest(numbers, list(known.told.values()), rng)
        made = self.domain.with_numbers(subject.candidate, known.ready.popleft())
        return made if made != subject.candidate else None

    def suggest(
        self, numbers: Mapping[str, Number], told: Sequence[Known], rng: Generator
    ) -> Sequence[Mapping[str, float]]:
        """Choose some of the numbers, and new values for them: several times at once where much is known.

        Args:
            numbers: as they stand.
            told: trials of such numbers, the newest last; at least one.
        """
        seed = int(rng.integers(2**32))
        count = AT_ONCE if len(told) >= REMEMBERED else 1
        chosen = [standard_bit_mutation(tuple(numbers), rng) for _ in range(count)]
        choices = [{name: numbers[name] for name in names} for names in chosen]
        found = self._estimator.suggest(choices, told[-REMEMBERED:], seed)
        return [{name: float(f"{value:.{DIGITS}g}") for name, value in values.items()} for values in found]

    def tell(self, trial: Trial) -> None:
        """Take in what became of numbers."""
        if trial.candidate is None:
            return
        numbers = self.numbers(trial.candidate)
        self._of(trial.candidate, numbers).remember(trial.number, self._estimator.known(trial, numbers))

    def _of(self, candidate: Candidate, numbers: Mapping[str, Number]) -> _Structure:
        """Return what is known of candidates that differ from this one in the values of their numbers alone.

        Ranges may stand in comments, which `Domain.key` leaves out.
        """
        if candidate.id not in self._structure_of:
            ranges = tuple((name, one.low, one.high, one.log) for name, one in sorted(numbers.items()))
            key = self.domain.key(structure(self.domain, candidate, self.slots)), ranges
            self._structure_of[candidate.id] = self._structures.setdefault(key, _Structure())
        return self._structure_of[candidate.id]


@dataclass(kw_only=True)
class _Structure:
    """Candidates that differ in the values of their numbers alone.

    told: what is known of their numbers, by trial, the newest last.
    ready: suggestions that nobody was given yet; they wait while the best is of another structure.
    """

    told: dict[int, Known] = field(default_factory=dict)
    ready: deque[Mapping[str, float]] = field(default_factory=deque)

    def remember(self, number: int, known: Known) -> None:
        """Take in a trial as the newest, and forget the oldest where there are too many."""
        self.told.pop(number, None)
        self.told[number] = known
        if len(self.told) > REMEMBERED:
            del self.told[next(iter(self.told))]


def structure(domain: Domain, candidate: Candidate, slots: Sequence[str]) -> Candidate:
    """Set the numbers of some slots to their lowest, so that what differs in these alone becomes the same."""
    lowest = {name: number.low for name, number in _numbers(domain, candidate, slots).items()}
    return domain.with_numbers(candidate, lowest)


def _numbers(domain: Domain, candidate: Candidate, slots: Sequence[str]) -> Mapping[str, Number]:
    """Find the numbers of some slots whose range has a width that a sampler can reckon with."""
    found = domain.numbers(candidate)
    return {n: one for n, one in found.items() if n.partition(".")[0] in slots and 0 < one.high - one.low < math.inf}
