"""The numbers of a rule, tuned outside any model: equal numbers of trials for candidates and baselines alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from slotforge.solvers.optim.rule import Number

Numbers = dict[str, float]
FIRST = 12  # trials of a search, and the first ones of a verdict
ALL = 48  # trials of a verdict


def spread(numbers: Mapping[str, Number], count: int) -> list[Numbers]:
    """Choose trials: the defaults first, then points spread evenly over the ranges (Halton's sequence).

    A rule without numbers has one trial.
    """
    defaults = {name: number.default for name, number in numbers.items()}
    if not numbers or count == 1:
        return [defaults]
    from scipy.stats.qmc import Halton

    places = Halton(len(numbers), scramble=False).random(count)[1:]
    return [
        defaults,
        *({name: number.at(unit) for (name, number), unit in zip(numbers.items(), row, strict=True)} for row in places),
    ]


def tune(
    numbers: Mapping[str, Number],
    trials: int,
    width: int,
    seed: int,
    measure: Callable[[Sequence[Numbers]], Sequence[float]],
) -> None:
    """Spend trials on the numbers of a rule: the first ones spread, the others as Optuna's TPE suggests.

    Args:
        trials: how many in all.
        width: how many are measured at once.
        measure: gives the cost of each of some trials, lower is better.
    """
    spreads = spread(numbers, min(trials, FIRST))
    told: list[tuple[Numbers, float]] = []
    for at in range(0, len(spreads), width):
        batch = spreads[at : at + width]
        told += zip(batch, measure(batch), strict=True)
    if not numbers or trials <= FIRST:
        return
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ranges: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.FloatDistribution(number.low, number.high, log=number.scale == "log")
        for name, number in numbers.items()
    }
    sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=FIRST)
    study = optuna.create_study(sampler=sampler)
    for params, cost in told:
        study.add_trial(optuna.trial.create_trial(params=_within(params, numbers), distributions=ranges, value=cost))
    for at in range(len(told), trials, width):
        asked = [study.ask(ranges) for _ in range(min(width, trials - at))]
        for trial, cost in zip(asked, measure([dict(one.params) for one in asked]), strict=True):
            study.tell(trial, cost)


def _within(params: Numbers, numbers: Mapping[str, Number]) -> Numbers:
    return {name: min(max(value, numbers[name].low), numbers[name].high) for name, value in params.items()}


def anytime(hits: np.ndarray, budget: float, progress: float = 0.0) -> float:
    """Return the geometric mean of the calls to each target; one that is missed counts twice the budget.

    The first target that was missed counts less, down to the budget, the nearer a run came to it: so two rules that
    reach the same targets, or none, can be told apart.

    Args:
        hits: calls by target, infinite where it was missed.
        budget: calls after which runs were cut.
        progress: how far the best run came, in targets.
    """
    counted = np.where(np.isfinite(hits), np.maximum(hits, 1.0), 2 * budget)
    missed = np.flatnonzero(~np.isfinite(hits))
    if len(missed):
        counted[missed[0]] *= 1 - min(max(progress - float(missed[0]), 0.0), 1.0) / 2
    return math.exp(float(np.mean(np.log(counted))))
