"""Which of several arms to pull next, by what earlier pulls gained and cost: models, or operators.

The asymmetric UCB of ShinkaEvolve. What an arm gained is discounted, so that an arm that was good at first may be left
later; a pull counts from when it is sent, so that many under way at once do not all go to the same arm.

Source: Lange, Imajuku and Cetin, "ShinkaEvolve: towards open-ended and sample-efficient program evolution",
arXiv:2509.19349, on the choice of models, and its code (`AsymmetricUCB`). What differs: gains and their weights are
discounted alike, where the original lets large sums fade faster than their weights, so that an arm that always gains
the same seems to get worse. An arm whose cost is not known yet has the median cost, and one that may cost nothing
counts as ten times as cheap as the median, where the original divides by almost nothing and so leaves all other arms
without any credit. Cheapness weighs a quarter instead of a half, for whoever writes a trial, it costs an evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Archive
    from slotforge.core.types import Trial

CHEAPEST = 0.1  # of the median cost: what is cheaper has no more credit
COST_EXPLORATION = 0.1


@dataclass
class Arm:
    """What is known of an arm.

    pulls: that were sent.
    weight, gain: of those that were told: their number and what they gained, both discounted.
    told, cost: of those whose cost is known: their number and what they cost.
    """

    pulls: int = 0
    weight: float = 0.0
    gain: float = 0.0
    told: int = 0
    cost: float = 0.0

    @property
    def mean_gain(self) -> float:
        """Discounted; nothing where nothing is known."""
        return self.gain / self.weight if self.weight else 0.0


@dataclass(kw_only=True)
class Bandit:
    """Chooses among arms that are known by their places.

    exploration: weight of what is not known of an arm.
    epsilon: how often another arm than the one of highest score is drawn.
    decay: of gains, at each telling.
    thrift: weight of cheapness against gain.
    """

    size: int
    exploration: float = 1.0
    epsilon: float = 0.2
    decay: float = 0.95
    thrift: float = 0.25
    arms: list[Arm] = field(init=False)
    _scale: float = 0.0
    _costs: tuple[float, float] = (math.inf, 0.0)

    def __post_init__(self) -> None:
        self.arms = [Arm() for _ in range(self.size)]

    def choose(self, rng: Generator, among: Sequence[int] | None = None) -> int:
        """Draw one of some arms, or of all, and count the pull as sent; arms that were never pulled come first."""
        place = self._draw(among or range(self.size), rng)
        self.sent(place)
        return place

    def sent(self, place: int) -> None:
        """Count a pull that was not drawn here."""
        self.arms[place].pulls += 1

    def tell(self, place: int, gain: float, cost: float | None = 0.0) -> None:
        """Take in how a pull that was sent has ended.

        Args:
            place: of the arm.
            gain: at least 0; a failure gains nothing.
            cost: in a unit that is the same for all arms; None where it says nothing of other pulls.
        """
        arm = self.arms[place]
        arm.weight += 1
        arm.gain += gain
        for each in self.arms:
            each.weight *= self.decay
            each.gain *= self.decay
        self._scale = max(self._scale * self.decay, gain * self.decay, *(each.mean_gain for each in self.arms))
        if cost is not None:
            arm.told += 1
            arm.cost += cost
            self._costs = (min(self._costs[0], cost), max(self._costs[1], cost))

    def scores(self, among: Sequence[int] | None = None) -> Sequence[float]:
        """Return how promising each of some arms is, or each of all; all of them must have been pulled."""
        arms = [self.arms[place] for place in among or range(self.size)]
        width = 2 * math.log(max(sum(arm.pulls for arm in arms), 2))
        return [
            (1 - self.thrift) * (self._part(arm) + self.exploration * math.sqrt(width / arm.pulls))
            + self.thrift * cheap
            for arm, cheap in zip(arms, self._cheapness(arms, width), strict=True)
        ]

    def _draw(self, among: Sequence[int], rng: Generator) -> int:
        if unseen := [place for place in among if not self.arms[place].pulls]:
            return unseen[int(rng.integers(len(unseen)))]
        scores = dict(zip(among, self.scores(among), strict=True))
        best = [place for place in among if scores[place] == max(scores.values())]
        rest = [place for place in among if place not in best]
        drawn = rest if rest and rng.random() < self.epsilon else best
        return drawn[int(rng.integers(len(drawn)))]

    def _part(self, arm: Arm) -> float:
        """Return the mean gain of an arm as a part of the highest, which fades as well."""
        return arm.mean_gain / self._scale if self._scale else 0.0

    def _cheapness(self, arms: Sequence[Arm], width: float) -> Sequence[float]:
        """Return how cheap each arm may be, against the cheapest: by its mean cost, less what is not known of it."""
        means = [arm.cost / arm.told for arm in arms if arm.told]
        middle = median(means) if means else 0.0
        if not middle:
            return [0.0] * len(arms)
        spread = COST_EXPLORATION * (self._costs[1] - self._costs[0])
        least = [
            max((arm.cost / arm.told if arm.told else middle) - spread * math.sqrt(width / max(arm.told, 1)), 0.0)
            for arm in arms
        ]
        bounded = [max(cost, CHEAPEST * middle) for cost in least]
        return [min(bounded) / cost for cost in bounded]


@dataclass
class Gains:
    """What trials gain over what they were made from."""

    _ratios: dict[str, float] = field(default_factory=dict)

    def of(self, archive: Archive, trial: Trial) -> float:
        """Return exp(d) - 1 with d the logarithm of how much better a trial is than both its parents and the start.

        Trials must come in their order. What was not measured in full gains nothing.
        """
        if not self._ratios:
            self._add(archive.trials[0], *archive.seeds)
        start = archive.seeds[0].ratio
        before = [self._ratios[parent] for parent in trial.parents if parent in self._ratios]
        self._add(trial)
        if not trial.scored or not trial.ratio or start is None:
            return 0.0
        return max(min([start, *before]) / trial.ratio, 1.0) - 1

    def _add(self, *trials: Trial) -> None:
        for trial in trials:
            if trial.scored and trial.candidate is not None and trial.ratio is not None:
                self._ratios.setdefault(trial.candidate.id, trial.ratio)
