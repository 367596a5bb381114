"""What became of the runs of a rule on a problem: trials by seeds, looked at from time to time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

TARGETS = 8  # from the start of a run to its goal, evenly in the logarithm


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Trials by seeds.

    metric: at every look, shape (looks, trials, seeds); infinite where a run had broken down.
    calls: oracle calls up to each look, of the same shape.
    first: metric at the start, by seed.
    """

    metric: np.ndarray
    calls: np.ndarray
    first: np.ndarray

    def first_trials(self, count: int) -> Runs:
        """Return the runs of the first so many trials."""
        return Runs(metric=self.metric[:, :count], calls=self.calls[:, :count], first=self.first)

    def cut(self, budget: float) -> Runs:
        """Return the runs as they are known after so many calls."""
        return Runs(metric=np.where(self.calls <= budget, self.metric, np.inf), calls=self.calls, first=self.first)

    def hits(self, goal: float, floor: float) -> np.ndarray:
        """Return the calls until each target was first reached, infinite where it was not.

        Args:
            goal: the last target, a metric.
            floor: what the metric cannot go below: targets are spaced by what is above it.

        Returns:
            Shape (TARGETS, trials, seeds).
        """
        shares = (np.arange(TARGETS) + 1) / TARGETS
        top, bottom = np.log(np.maximum(self.first - floor, 1e-300)), math.log(goal - floor)
        targets = floor + np.exp(top + shares[:, None] * (bottom - top))  # (targets, seeds)
        targets[-1] = goal
        reached = self.metric[None] <= targets[:, None, None, :]
        return np.asarray(np.where(reached, self.calls[None], np.inf).min(axis=1))

    def calls_to(self, goal: float, quantile: float) -> np.ndarray:
        """Return the calls of each trial to a metric, infinite where it was missed, shape (trials,).

        Args:
            quantile: of the runs by seed that must have reached it.
        """
        hits = np.where(self.metric <= goal, self.calls, np.inf).min(axis=0)
        return np.asarray(across_seeds(hits[None], quantile)[0])

    def settled(self, goal: float, quantile: float) -> bool:
        """Tell whether a trial has reached a metric, and none that goes on can do so with fewer calls.

        In equal steps some trials spend more than others: larger batches, or longer messages.
        """
        best = float(self.calls_to(goal, quantile).min())
        going = np.isfinite(self.metric[-1])
        return best < np.inf and bool((self.calls[-1] >= best)[going].all())

    @property
    def least(self) -> np.ndarray:
        """The least metric of each trial with each seed, infinite where there was no number."""
        return np.asarray(np.nan_to_num(np.fmin.reduce(self.metric, axis=0), nan=np.inf, posinf=np.inf))

    def progress(self, goal: float, floor: float, quantile: float) -> np.ndarray:
        """Return how far each trial came in units of targets, from 0 to TARGETS, by its least metric.

        Args:
            quantile: of the seeds that must have come so far.

        Returns:
            Shape (trials,).
        """
        top, bottom = np.log(np.maximum(self.first - floor, 1e-300)), math.log(goal - floor)
        least = np.log(np.maximum(self.least - floor, 1e-300))
        came = np.clip(TARGETS * (top - least) / np.maximum(top - bottom, 1e-300), 0.0, TARGETS)
        return -across_seeds(-came, quantile)


def all_alike(metric: float, calls: float, first: np.ndarray) -> Runs:
    """Say what would be known, were the runs of all seeds as far as this one."""
    shape = (1, 1, len(first))
    return Runs(metric=np.full(shape, metric), calls=np.full(shape, calls), first=first)


def across_seeds(hits: np.ndarray, quantile: float) -> np.ndarray:
    """Return the calls in which this share of the seeds got there, of shape (targets, trials)."""
    ordered = np.sort(hits, axis=-1)
    place = math.ceil(quantile * ordered.shape[-1]) - 1
    return np.asarray(ordered[..., max(0, place)])
