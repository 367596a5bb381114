"""Optuna's tuner for the numbers of candidates: structure is for strategies and models, numbers are for it.

It changes k of n numbers at a time with k ~ Bin(n, 1/n), so that what is good stays as it is mostly, and lets the
tree-structured Parzen estimator choose their values, from all trials of the same structure. One that was raced out
counts as pruned: it ranks behind every one that was measured in full, the earlier it left the further behind.

Source: Bergstra, Bardenet, Bengio and Kegl, "Algorithms for hyper-parameter optimization", NIPS 2011, section 4; that
numbers are not a model's work: van Stein, Vermetten and Baeck, "In-the-loop hyper-parameter optimization for
LLM-based automated design of heuristics", arXiv:2410.16309.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from slotforge.search.strategies._common import standard_bit_mutation

if TYPE_CHECKING:
    from numpy.random import Generator
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial, TrialState

    from slotforge.core.seams import Domain
    from slotforge.core.types import Candidate, Number, Trial

DIGITS = 4  # significant ones; more would only make the code longer
REMEMBERED = 100  # trials of a structure, the newest; the time that a suggestion takes grows with them


@dataclass(kw_only=True)
class Tuner:
    """Tunes numbers of candidates.

    slots: whose numbers may change.
    """

    domain: Domain
    slots: Sequence[str]
    _known: dict[str, dict[int, FrozenTrial]] = field(default_factory=dict)

    def numbers(self, candidate: Candidate) -> Mapping[str, Number]:
        """Return the numbers of a candidate that may change."""
        return _numbers(self.domain, candidate, self.slots)

    def ask(self, subject: Trial, rng: Generator) -> Candidate | None:
        """Write other numbers into the candidate of a trial; None where it has none."""
        if subject.candidate is None or not (numbers := self.numbers(subject.candidate)):
            return None
        told = self._told(subject.candidate)
        known = told.pop(subject.number) if subject.number in told else _frozen(subject, numbers)
        told[subject.number] = known  # as the newest, so that it is never forgotten
        made = self.domain.with_numbers(subject.candidate, suggest(numbers, list(told.values()), rng))
        return made if made != subject.candidate else None

    def tell(self, trial: Trial) -> None:
        """Take in what became of numbers."""
        if trial.candidate is None:
            return
        told = self._told(trial.candidate)
        told[trial.number] = _frozen(trial, self.numbers(trial.candidate))
        if len(told) > REMEMBERED:
            del told[next(iter(told))]

    def _told(self, candidate: Candidate) -> dict[int, FrozenTrial]:
        """Return what is known of candidates that differ from this one in their numbers alone."""
        return self._known.setdefault(self.domain.key(structure(self.domain, candidate, self.slots)), {})


def structure(domain: Domain, candidate: Candidate, slots: Sequence[str]) -> Candidate:
    """Set the numbers of some slots to their lowest, so that what differs in these alone becomes the same."""
    lowest = {name: number.low for name, number in _numbers(domain, candidate, slots).items()}
    return domain.with_numbers(candidate, lowest)


def _numbers(domain: Domain, candidate: Candidate, slots: Sequence[str]) -> Mapping[str, Number]:
    """Find the numbers of some slots whose range has a width that a sampler can reckon with."""
    found = domain.numbers(candidate)
    return {n: one for n, one in found.items() if n.partition(".")[0] in slots and 0 < one.high - one.low < math.inf}


def suggest(numbers: Mapping[str, Number], told: Sequence[FrozenTrial], rng: Generator) -> Mapping[str, float]:
    """Choose some of the numbers, and new values for them.

    Args:
        numbers: as they stand.
        told: trials of such numbers, the newest last.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed, ranges = int(rng.integers(2**32)), _ranges(numbers)
    study = optuna.create_study(storage=_lending()(told[-REMEMBERED:]), sampler=_sampler()(seed, ranges))
    chosen = standard_bit_mutation(tuple(numbers), rng)
    asked = study.ask({name: ranges[name] for name in chosen}).params
    return {name: float(f"{value:.{DIGITS}g}") for name, value in asked.items()}


@cache
def _sampler() -> Callable[[int, Mapping[str, BaseDistribution]], BaseSampler]:
    """Make the class of samplers that know the ranges: to find them out from all trials takes a fifth of the time."""
    from optuna.samplers import TPESampler

    class Knowing(TPESampler):
        def __init__(self, seed: int, ranges: Mapping[str, BaseDistribution]) -> None:
            super().__init__(seed=seed, n_startup_trials=1)
            self.ranges = dict(sorted(ranges.items()))

        def infer_relative_search_space(
            self,
            study: Study,  # noqa: ARG002
            trial: FrozenTrial,  # noqa: ARG002
        ) -> dict[str, BaseDistribution]:
            return self.ranges

    return Knowing


@cache
def _lending() -> Callable[[Sequence[FrozenTrial]], BaseStorage]:
    """Make the class of what lends trials to a study as they are: to add them copies each, and takes most of the time.

    What the study asks for is kept apart, as number 0; a sampler looks at what was told alone.
    """
    from optuna.storages import InMemoryStorage

    class Lending(InMemoryStorage):
        def __init__(self, told: Sequence[FrozenTrial]) -> None:
            super().__init__()
            self.told = told
            for number, trial in enumerate(told, start=1):
                trial.number = number

        def get_all_trials(
            self,
            study_id: int,  # noqa: ARG002
            deepcopy: bool = True,  # noqa: ARG002
            states: Container[TrialState] | None = None,
        ) -> list[FrozenTrial]:
            return [trial for trial in self.told if states is None or trial.state in states]

    return Lending


def _ranges(numbers: Mapping[str, Number]) -> dict[str, BaseDistribution]:
    from optuna.distributions import FloatDistribution

    return {name: FloatDistribution(one.low, one.high, log=one.log) for name, one in numbers.items()}


def _frozen(trial: Trial, numbers: Mapping[str, Number]) -> FrozenTrial:
    """Put a trial as Optuna does: complete with its ratio, or pruned with the ratio that it left at, if it had one."""
    from optuna.trial import TrialState, create_trial

    full = trial.scored and trial.ratio is not None
    return create_trial(
        state=TrialState.COMPLETE if full else TrialState.PRUNED,
        params={name: number.value for name, number in numbers.items()},
        distributions=_ranges(numbers),
        value=trial.ratio if full else None,
        intermediate_values={} if full or trial.ratio is None else {trial.instances: trial.ratio},
    )
