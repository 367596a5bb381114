"""How many runs of a candidate are solved within a cost, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from slotforge.core.types import Outcome, Record
from slotforge.search.shares import clopper_pearson
from slotforge.service.views.comparison import Point


class Solved(Record):
    """What is solved within a cost: k runs at the k-th of the costs.

    low, high: the 95 % interval of the number at a cost, where so many are solved, 0 first; each cost by itself.
    """

    costs: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def solved(points: Sequence[Point], which: Literal["a", "b"]) -> Solved:
    """Count the runs of one of two candidates by their cost.

    The interval is that of Clopper and Pearson, which holds for few instances as well, and also where all or none are
    solved. What varies are the instances, so that several seeds of one say no more than one of them; where instances
    have different numbers n of seeds, as many count as would give a mean with these weights its variance:
    (sum n)^2 / sum n^2 (Kish, "Survey Sampling", 1965).
    """
    import numpy as np

    costs = sorted(
        cost
        for point in points
        for cost, outcome in [(point.a, point.a_outcome) if which == "a" else (point.b, point.b_outcome)]
        if outcome is Outcome.SOLVED
    )
    runs, seeds = len(points), Counter(point.instance for point in points)
    instances = runs**2 / max(1, sum(n**2 for n in seeds.values()))
    low, high = clopper_pearson(np.arange(len(costs) + 1) * instances / max(1, runs), instances)
    return Solved(costs=tuple(costs), low=tuple(runs * low), high=tuple(runs * high))
