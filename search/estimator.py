"""Optuna's tree-structured Parzen estimator, made once for many questions: to make one takes as long as to ask it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

if TYPE_CHECKING:
    import numpy as np
    from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator

    from slotforge.core.types import Number, Trial

Known = FrozenTrial  # what is known of numbers, in Optuna's form


class Estimator:
    """Suggests values as a new study of Optuna with a sampler of a given seed does, to which trials were added."""

    def __init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._lent = _Lent()
        self._sampler = _Shared(n_startup_trials=1)
        self._study = optuna.create_study(storage=self._lent, sampler=self._sampler)
        self._asked = create_trial(state=TrialState.RUNNING)

    def suggest(
        self, choices: Sequence[Mapping[str, Number]], told: Sequence[Known], seed: int
    ) -> Sequence[Mapping[str, float]]:
        """Choose values in the ranges of some numbers, several times over from the same trials.

        Args:
            choices: for each time the numbers that are to change, by name.
            told: what is known of values of all these numbers, the newest last; at least one.
            seed: of the sampler.
        """
        for number, trial in enumerate(told, start=1):  # 0 is what is asked for
            trial.number = number
        self._lent.told = told
        self._sampler.begin(seed, alone=len(choices) == 1)
        together = {name: number for numbers in choices for name, number in numbers.items()}
        chosen = self._sampler.sample_relative(self._study, self._asked, dict(sorted(_ranges(together).items())))
        return [chosen] if len(choices) == 1 else [self._sampler.choose(sorted(numbers)) for numbers in choices]

    @staticmethod
    def known(trial: Trial, numbers: Mapping[str, Number]) -> Known:
        """Put a trial as Optuna does: complete with its ratio, or pruned with that which it left at, if any."""
        full = trial.scored and trial.ratio is not None
        return create_trial(
            state=TrialState.COMPLETE if full else TrialState.PRUNED,
            params={name: number.value for name, number in numbers.items()},
            distributions=_ranges(numbers),
            value=trial.ratio if full else None,
            intermediate_values={} if full or trial.ratio is None else {trial.instances: trial.ratio},
        )


def _ranges(numbers: Mapping[str, Number]) -> dict[str, BaseDistribution]:
    return {name: FloatDistribution(one.low, one.high, log=one.log) for name, one in numbers.items()}


class _Shared(TPESampler):
    """Makes several choices from one estimate, which takes longer than they do."""

    _estimates: tuple[_ParzenEstimator, ...]  # of what is good, and of the rest

    def __init__(self, **options: Any) -> None:
        super().__init__(constant_liar=True, **options)  # or Optuna looks at trials of the first question for good
        self._samples = self._n_ei_candidates

    def begin(self, seed: int, *, alone: bool) -> None:
        """Draw from here on as a new sampler with this seed does; a choice that others follow is not used itself."""
        self._rng.rng.seed(seed)
        self._estimates = ()
        self._n_ei_candidates = self._samples if alone else 1

    def choose(self, names: Sequence[str]) -> Mapping[str, float]:
        """Choose values of some of the numbers of the last estimate, as from an estimate for these alone."""
        below, above = (_marginal(estimate, names) for estimate in self._estimates)
        samples = below.sample(self._rng.rng, self._samples)
        return self._compare(samples, super()._compute_acquisition_func(samples, below, above))

    def _compute_acquisition_func(
        self, samples: dict[str, np.ndarray], mpe_below: _ParzenEstimator, mpe_above: _ParzenEstimator
    ) -> np.ndarray:
        self._estimates = mpe_below, mpe_above
        return super()._compute_acquisition_func(samples, mpe_below, mpe_above)


def _marginal(estimate: _ParzenEstimator, names: Sequence[str]) -> _ParzenEstimator:
    """Leave out all numbers but some: in a mixture of products each has factors of its own, and the weights stay."""
    part, mixture, space = copy(estimate), estimate._mixture_distribution, estimate._search_space
    factors = dict(zip(space, mixture.distributions, strict=True))
    part._search_space = {name: space[name] for name in names}
    part._mixture_distribution = mixture._replace(distributions=[factors[name] for name in names])
    return part


class _Lent(InMemoryStorage):
    """Lends trials to a study as they are: to add them copies each."""

    told: Sequence[Known] = ()

    def get_all_trials(
        self,
        study_id: int,  # noqa: ARG002
        deepcopy: bool = True,  # noqa: ARG002
        states: Container[TrialState] | None = None,
    ) -> list[Known]:
        return [trial for trial in self.told if states is None or trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Nobody else is to know of what is asked for."""
