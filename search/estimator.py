"""Optuna's tree-structured Parzen estimator, made once for many questions: to make one takes as long as to ask it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial


class Estimator:
    """Suggests values as a new study of Optuna with a sampler of a given seed does, to which trials were added."""

    def __init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._lent = _Lent()
        self._sampler = _Reseeded(n_startup_trials=1)
        self._study = optuna.create_study(storage=self._lent, sampler=self._sampler)
        self._asked = create_trial(state=TrialState.RUNNING)

    def suggest(
        self, ranges: Mapping[str, BaseDistribution], told: Sequence[FrozenTrial], seed: int
    ) -> Mapping[str, float]:
        """Choose a value in each range.

        Args:
            ranges: by name.
            told: what is known of values in these ranges, the newest last; at least one.
            seed: of the sampler.
        """
        for number, trial in enumerate(told, start=1):  # 0 is what is asked for
            trial.number = number
        self._lent.told = told
        self._sampler.reseed(seed)
        return self._sampler.sample_relative(self._study, self._asked, dict(sorted(ranges.items())))


class _Reseeded(TPESampler):
    def reseed(self, seed: int) -> None:
        """Draw from here on as a new sampler with this seed does."""
        self._rng.rng.seed(seed)


class _Lent(InMemoryStorage):
    """Lends trials to a study as they are: to add them copies each."""

    told: Sequence[FrozenTrial] = ()

    def get_all_trials(
        self,
        study_id: int,  # noqa: ARG002
        deepcopy: bool = True,  # noqa: ARG002
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        return [trial for trial in self.told if states is None or trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Nobody else is to know of what is asked for."""
