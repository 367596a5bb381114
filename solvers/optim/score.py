"""StepScore: one number for a rule, from its oracle calls and those of the best tuned specialist on the same problems.

For each problem r is the calls of the specialist over those of the rule, cut to [1/8, 8], and 1/8 where the rule misses
the goal; what neither reaches tells nothing and counts as 1. StepScore is the geometric mean over the problems of a
family, then over families, so that families weigh alike: above 1 the rule needs fewer calls. The specialist has all its
trials; what the rule reaches with 1, with 12 and with all 48 tells how much tuning it needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np
from numpy.random import Generator

from slotforge.core.types import Measurement, clipped_log
from slotforge.solvers.optim.runs import TARGETS
from slotforge.solvers.optim.tune import ALL, FIRST

TRIALS = (1, FIRST, ALL)
LEAST_FAMILY = 0.9  # of the score of a family, for a rule that is accepted
LEAST_PROBLEMS = 6  # with fewer, the interval says little
LEVEL = 0.05
SAMPLES = 2000
R_MAX = 4.0
GOAL = f"target_{TARGETS}"
MISSED = "missed_default"  # whether the defaults were run by themselves, and in vain
_TOLD = {1: "calls_default", FIRST: f"calls_{FIRST}_trials"}

Logs = Mapping[str, Mapping[str, float]]  # of r, by family and problem


@dataclass(frozen=True, kw_only=True)
class StepScore:
    """The score of a rule with so many trials.

    score, low, high: geometric mean of r with its 95 % interval, from a bootstrap over problems.
    families: the score of each.
    worst: the problem with the smallest r, and that r.
    at_least: on how many problems the rule reached the goal, but nobody knows whether with so few trials: they count as
        missed, so that the true score is no less.
    """

    trials: int
    score: float
    low: float
    high: float
    families: Mapping[str, float]
    worst: tuple[str, float]
    problems: int
    at_least: int = 0

    @property
    def word(self) -> Literal["accepted", "not accepted", "too few problems"]:
        """Whether it is better for sure, and nowhere much worse."""
        if self.problems < LEAST_PROBLEMS:
            return "too few problems"
        good = self.low > 1 and min(self.families.values()) >= LEAST_FAMILY
        return "accepted" if good else "not accepted"


def calls(measurement: Measurement, trials: int) -> float:
    """Return the calls to the goal with so many trials, infinite where it was missed or this is not known."""
    if trials >= measurement.stats.get("trials", 0):
        return measurement.stats.get(GOAL, math.inf)
    return measurement.stats.get(_TOLD.get(trials, ""), math.inf)


def known(measurements: Sequence[Measurement], trials: int) -> bool:
    """Whether runs had so many trials: a search has 12 and a verdict 48, for a rule that has numbers."""
    return all(trials <= (ALL if m.build == "verdict" else FIRST) for m in measurements)


def step_score(
    candidate: Sequence[Measurement], reference: Sequence[Measurement], trials: int, rng: Generator
) -> StepScore:
    """Score a rule.

    Args:
        candidate: its measurements; several of one problem are averaged.
        reference: those of the best tuned specialist, on the same problems with the same seeds; others are left out.
        rng: of the bootstrap.

    Raises:
        ValueError: no problem was measured with both.
    """
    logs = ratios(candidate, reference, trials)
    total = mean(logs)
    low, high = bootstrap(logs, rng)
    name, least = min(((p, v) for problems in logs.values() for p, v in problems.items()), key=lambda found: found[1])
    at_least = sum(
        math.isinf(calls(m, trials)) and GOAL in m.stats and not (trials == 1 and m.stats.get(MISSED))
        for m in candidate
    )
    return StepScore(
        trials=trials,
        score=math.exp(total),
        low=low,
        high=high,
        families={family: math.exp(fmean(problems.values())) for family, problems in logs.items()},
        worst=(name, math.exp(least)),
        problems=sum(map(len, logs.values())),
        at_least=at_least,
    )


def ratios(candidate: Sequence[Measurement], reference: Sequence[Measurement], trials: int) -> Logs:
    """Return the logarithm of r for each problem that both were measured on."""
    best = {(m.instance, m.seed): m for m in reference}
    found: dict[str, dict[str, list[float]]] = {}
    for m in candidate:
        if other := best.get((m.instance, m.seed)):
            value = log_r(calls(m, trials), calls(other, ALL))
            found.setdefault(m.family, {}).setdefault(m.instance, []).append(value)
    return {family: {name: fmean(logs) for name, logs in problems.items()} for family, problems in found.items()}


def log_r(own: float, best: float) -> float:
    """Return the logarithm of r, given the calls of a rule and of the specialist, infinite where they missed."""
    if math.isinf(own):
        return 0.0 if math.isinf(best) else clipped_log(1e-9)
    return clipped_log(1e9) if math.isinf(best) else clipped_log(best / own)


def mean(logs: Logs) -> float:
    """Average over problems, then over families.

    Raises:
        ValueError: there is no problem.
    """
    if not logs:
        raise ValueError("no problem was measured with both")
    return fmean(fmean(problems.values()) for problems in logs.values())


def bootstrap(logs: Logs, rng: Generator, samples: int = SAMPLES) -> tuple[float, float]:
    """Return the 95 % interval of the score: problems are drawn again within their families (percentiles)."""
    totals = np.zeros(samples)
    for problems in logs.values():
        values = np.array(list(problems.values()))
        totals += values[rng.integers(len(values), size=(samples, len(values)))].mean(axis=1)
    low, high = np.quantile(totals / len(logs), [LEVEL / 2, 1 - LEVEL / 2])
    return math.exp(low), math.exp(high)


def profile(table: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Return Dolan and Moré's performance profiles: the share of problems that a solver solves within a factor of the
    best.

    Args:
        table: calls, shape (solvers, problems), infinite where the goal was missed.
        within: factors.

    Returns:
        Shape (solvers, factors).
    """
    factors = _factors(table)
    return np.asarray((factors[:, :, None] <= np.asarray(within)).mean(axis=1))


def integrated_profile(table: np.ndarray, r_max: float = R_MAX) -> np.ndarray:
    """Return AlgoPerf's score B of each solver: the mean height of its profile between 1 and r_max.

    Args:
        table: as for `profile`. B of a solver depends on which others are compared.
    """
    return np.asarray((np.clip(r_max - _factors(table), 0, None) / (r_max - 1)).mean(axis=1))


def _factors(table: np.ndarray) -> np.ndarray:
    table = np.asarray(table, dtype=float)
    best = table.min(axis=0)
    solved = np.isfinite(best)
    return np.where(solved & np.isfinite(table), table / np.where(solved, best, 1.0), np.inf)


def targets(measurement: Measurement) -> np.ndarray:
    """Return the calls of the best trial to each target, infinite where it was missed."""
    told = (measurement.stats.get(f"target_{place + 1}", math.inf) for place in range(TARGETS))
    return np.array(list(told))


def anytime(measurements: Sequence[Measurement], units: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the distribution of the calls to all targets of all problems: steps (calls, share reached by then).

    Args:
        units: calls that count as 1, by problem; others are left out.
    """
    chosen = [m for m in measurements if m.instance in units]
    reached = np.sort(np.concatenate([[], *(targets(m) / units[m.instance] for m in chosen)]))
    shares = np.arange(1, len(reached) + 1) / max(1, len(reached))
    finite = np.isfinite(reached)
    return reached[finite], shares[finite]
