"""Optuna's tree-structured Parzen estimator, made once for many questions: to make one takes as long as to ask it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

if TYPE_CHECKING:
    from slotforge.core.types import Number, Trial

SAMPLES = 24  # that a choice is the best of: Optuna's own number
Known = FrozenTrial  # what is known of numbers, in Optuna's form


class Estimator:
    """Suggests values as a new study of Optuna with a sampler of a given seed does, to which trials were added."""

    def __init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._lent = _Lent()
        self._sampler = _Several(n_startup_trials=1)
        self._study = optuna.create_study(storage=self._lent, sampler=self._sampler)
        self._asked = create_trial(state=TrialState.RUNNING)

    def suggest(
        self, numbers: Mapping[str, Number], told: Sequence[Known], seed: int, count: int = 1
    ) -> Sequence[Mapping[str, float]]:
        """Choose a value in the range of each number, several times over: one estimate takes longer than what follows.

        Args:
            numbers: by name.
            told: what is known of values of these numbers, the newest last; at least one.
            seed: of the sampler.
            count: choices to make, each as if it were the only one; a single one is what Optuna itself would choose.
        """
        for number, trial in enumerate(told, start=1):  # 0 is what is asked for
            trial.number = number
        self._lent.told = told
        self._sampler.begin(seed, count)
        self._sampler.sample_relative(self._study, self._asked, dict(sorted(_ranges(numbers).items())))
        return self._sampler.chosen

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


class _Several(TPESampler):
    """Chooses several times from one estimate, each time the best of as many samples as Optuna's choice is of."""

    chosen: Sequence[Mapping[str, float]]

    def begin(self, seed: int, count: int) -> None:
        """Draw from here on as a new sampler with this seed does, for so many choices."""
        self._rng.rng.seed(seed)
        self._count, self._n_ei_candidates = count, count * SAMPLES

    def _compute_acquisition_func(self, samples: dict[str, np.ndarray], *estimates: Any) -> np.ndarray:
        gains = super()._compute_acquisition_func(samples, *estimates)
        best = gains.reshape(self._count, SAMPLES).argmax(axis=1) + SAMPLES * np.arange(self._count)
        self.chosen = [{name: float(values[place]) for name, values in samples.items()} for place in best]
        return gains


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
