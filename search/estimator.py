"""Optuna's tree-structured Parzen estimator, made once for many questions: to make one takes as long as to ask it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

if TYPE_CHECKING:
    from slotforge.core.types import Number, Trial

Known = FrozenTrial  # what is known of numbers, in Optuna's form


class Estimator:
    """Suggests values as a new study of Optuna with a sampler of a given seed does, to which trials were added."""

    def __init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._lent = _Lent()
        self._sampler = _Reseeded(n_startup_trials=1)
        self._study = optuna.create_study(storage=self._lent, sampler=self._sampler)
        self._asked = create_trial(state=TrialState.RUNNING)

    def suggest(self, numbers: Mapping[str, Number], told: Sequence[Known], seed: int) -> Mapping[str, float]:
        """Choose a value in the range of each number.

        Args:
            numbers: by name.
            told: what is known of values of these numbers, the newest last; at least one.
            seed: of the sampler.
        """
        for number, trial in enumerate(told, start=1):  # 0 is what is asked for
            trial.number = number
        self._lent.told = told
        self._sampler.reseed(seed)
        return self._sampler.sample_relative(self._study, self._asked, dict(sorted(_ranges(numbers).items())))

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


class _Reseeded(TPESampler):
    def reseed(self, seed: int) -> None:
        """Draw from here on as a new sampler with this seed does."""
        self._rng.rng.seed(seed)


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
