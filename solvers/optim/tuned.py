"""What tuning found, over all problems on which a rule was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from slotforge.core.types import Measurement

BEST = "best "
"""What stands before "slot.name" in `Measurement.stats`: the number of the trial that needed the fewest calls."""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The best values of a number, one for each measurement in which the goal was reached.

    value: their median, which is one of them: the same on a linear and on a logarithmic scale.
    low, high: the least and the greatest.
    """

    value: float
    low: float
    high: float
    problems: int


def tuned(measurements: Sequence[Measurement]) -> dict[str, Tuned]:
    """Gather the best numbers, by "slot.name"; nothing where no goal was reached."""
    found: dict[str, list[tuple[str, float]]] = {}
    for m in measurements:
        for name, value in m.stats.items():
            if name.startswith(BEST):
                found.setdefault(name.removeprefix(BEST), []).append((m.instance, value))
    return {name: _gathered(told) for name, told in sorted(found.items())}


def _gathered(told: Sequence[tuple[str, float]]) -> Tuned:
    values = [value for _, value in told]
    return Tuned(
        value=median_low(values),
        low=min(values),
        high=max(values),
        problems=len({instance for instance, _ in told}),
    )
