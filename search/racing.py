"""Racing: a candidate leaves as soon as it is clearly worse than the incumbent.

What is tested is what decides: the difference of their scores once all instances are measured. An instance adds to it
the difference of their log cost ratios to the baseline, cut as the score cuts them and weighted so that families weigh
alike. Instances come in random order, so these are draws without replacement from a finite population, and the test is
the betting martingale for these (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting",
JRSS-B 2024, section 5). Against the null hypothesis "in sum no worse than the incumbent" it stakes a part of its
wealth on the next instance lying above what the null still leaves for it. Under the null the wealth is a
supermartingale, so by Ville's inequality it ever reaches 1/alpha with probability at most alpha, however often one
looks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from slotforge.core.types import CAP, Measurement, Outcome, log_ratio

STAKE = 0.9  # of the wealth, at most: what is lost where the candidate gains all that it can
PRIOR = 0.25  # of mean and second moment, worth one instance
EPSILON = 1e-9


@dataclass(frozen=True)
class Course:
    """The instances of a race, and what a candidate can gain there on its incumbent; see `laid`.

    incumbent: its log ratios to the baseline, by instance, in the random order of the race.
    weights: of the instances, so that families weigh alike.
    left: what can be gained from each on, in all; at last nothing.
    most: what can be gained from each on, on a single one.
    """

    incumbent: Sequence[float]
    weights: Sequence[float]
    left: Sequence[float]
    most: Sequence[float]

    @classmethod
    def laid(cls, incumbent: Sequence[float], families: Sequence[str]) -> Course:
        """Weigh instances by their families, and add up the gains.

        Args:
            incumbent: see above.
            families: of the instances, in the same order.
        """
        sizes = Counter(families)
        weights = [len(families) / (len(sizes) * sizes[family]) for family in families]
        gains = [w * (r + math.log(CAP)) for w, r in zip(weights, incumbent, strict=True)]
        left = list(accumulate(reversed(gains), initial=0.0))[::-1]
        return cls(incumbent, weights, left, list(accumulate(reversed(gains), max))[::-1])


class WorseTest:
    """Sequential test of "measured in full, the candidate costs more than the incumbent", valid at every look.

    course: the instances, with what the incumbent did there.
    alpha: the largest probability of dropping a candidate that is no worse in full.
    """

    def __init__(self, course: Course, *, alpha: float = 0.05) -> None:
        self._course = course
        self._threshold = 1 / alpha
        self._wealth = 1.0
        self._count = 0
        self._sum = 0.0
        self._squares = 0.0

    @property
    def worse(self) -> bool:
        """Whether the candidate has been shown to be worse, or cannot make up for what it has lost."""
        return self._wealth >= self._threshold or self._sum > self._course.left[self._count] + EPSILON

    def add(self, log_ratio: float) -> None:
        """Take in the next instance: the log ratio of the candidate to the baseline, as the score cuts it."""
        if self.worse:
            return
        x = self._course.weights[self._count] * (log_ratio - self._course.incumbent[self._count])
        expected = -self._sum / (len(self._course.weights) - self._count)
        self._wealth *= 1 + self._stake(expected) * (x - expected)
        self._count += 1
        self._sum += x
        self._squares += x * x

    def _stake(self, expected: float) -> float:
        """Bet in proportion to the evidence so far: the plug-in rule, mean excess / its second moment.

        Args:
            expected: the most that the mean of the instances to come is under the null.
        """
        mean = (self._sum + PRIOR) / (self._count + 1)
        second = (self._squares + PRIOR) / (self._count + 1) - 2 * expected * mean + expected * expected
        room = self._course.most[self._count] + expected
        if room <= EPSILON:  # all to come are as cheap as can be, or the null is false
            return 0.0
        return max(0.0, min(STAKE / room, (mean - expected) / second))


def geometric_mean_ratio(
    measurements: Iterable[Measurement], reference: Mapping[str, Measurement], span: float = CAP
) -> float:
    """Return the geometric mean of `log_ratio` to the reference, families weighing alike.

    Args:
        measurements: of one candidate.
        reference: of the baseline, by instance id.
        span: a ratio above it counts as it does, and one below 1/CAP as that.
    """
    families: dict[str, list[float]] = {}
    for m in measurements:
        families.setdefault(m.family, []).append(log_ratio(m, reference[m.instance], span))
    means = [sum(logs) / len(logs) for logs in families.values()]
    return math.exp(sum(means) / len(means))


def defect(measurements: Sequence[Measurement]) -> Measurement | None:
    """Return the first run that disqualifies: a wrong answer before a crash before what is too slow or too large."""
    for outcome in (Outcome.WRONG, Outcome.CRASH, Outcome.TIMEOUT, Outcome.TOO_LARGE):
        for m in measurements:
            if m.outcome is outcome:
                return m
    return None
