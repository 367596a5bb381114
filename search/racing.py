"""Racing: a candidate leaves as soon as it is clearly worse than the incumbent.

The test is a betting martingale on paired log cost ratios (Waudby-Smith and Ramdas, "Estimating means of bounded
random variables by betting", JRSS-B 2024). Against the null hypothesis "on average no worse than the incumbent" it
stakes, on each instance, a fraction of its wealth on the candidate being worse. Under the null the wealth is a
supermartingale, so by Ville's inequality it ever reaches 1/alpha with probability at most alpha, however often one
looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from slotforge.core.types import CAP, Measurement, Outcome, log_ratio


class WorseTest:
    """Sequential test of "the candidate costs more", valid at every look.

    alpha: the largest probability of dropping a candidate that is no worse on average.
    cap: ratios beyond [1/cap, cap] count as the cap.
    """

    def __init__(self, *, alpha: float = 0.05, cap: float = 3.0) -> None:
        self._threshold = 1 / alpha
        self._bound = math.log(cap)
        self._wealth = 1.0
        self._count = 0
        self._sum = 0.0
        self._squares = 0.0

    @property
    def worse(self) -> bool:
        """Whether the candidate has been shown to be worse."""
        return self._wealth >= self._threshold

    @property
    def ahead(self) -> bool:
        """Whether it has cost less so far."""
        return self._sum < 0

    def add(self, log_ratio: float) -> None:
        """Take in one instance: the logarithm of the candidate's cost over the incumbent's."""
        if self.worse:
            return
        x = max(-1.0, min(1.0, log_ratio / self._bound))
        self._wealth *= 1 + self._stake() * x
        self._count += 1
        self._sum += x
        self._squares += x * x

    def _stake(self) -> float:
        """Bet in proportion to the evidence so far: the plug-in rule mean / second moment, with a weak prior."""
        mean = (self._sum + 0.25) / (self._count + 1)
        second = (self._squares + 0.25) / (self._count + 1)
        return max(0.0, min(0.9, mean / second))


def geometric_mean_ratio(
    measurements: Iterable[Measurement], reference: Mapping[str, Measurement], span: float = CAP
) -> float:
    """Return the geometric mean of `log_ratio` to the reference, families weighing alike.

    Args:
        measurements: of one candidate.
        reference: of the baseline, by instance id.
        span: a ratio beyond [1/span, span] counts as the bound.
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
