"""Online bin packing: one slot in Python, judged in bins beyond the lower bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from slotforge.core.types import Terms
from slotforge.solvers.policy.domain import Judged, Policies
from slotforge.solvers.policy.families import Content

if TYPE_CHECKING:
    from slotforge.solvers.policy.vary import Grammar


class Packing(Policies):
    """The domain of online bin packing: see `core.seams.Domain`."""

    name = "packing"
    terms = Terms(
        language="python",
        unit="bins beyond the lower bound ceil(sum of the sizes / capacity), and one more so that it is never 0",
        short="excess bins",
        reference="Best Fit",
        by_cpu=False,
        effort="the work of a policy costs nothing as long as an instance takes less than 10 CPU seconds",
        checked="{models} packings checked",
        next=(
            "slotforge bench packing --candidate {candidate}",
            "slotforge export {candidate} --as python --out my_packing.py",
        ),
        use="slotforge export {name} --as python --out my_packing.py",
    )
    slot = "priority"
    axes = MappingProxyType({"full": 1.0, "half_empty": 1.0})
    usage = "`pack(priority, items, capacity)` returns the bin of each item."

    @property
    def host(self) -> Callable[..., Any]:
        """Packs."""
        from slotforge.solvers.packing.run import pack

        return pack

    @property
    def grammar(self) -> Grammar:
        """What is known of item and bins."""
        from slotforge.solvers.packing.grammar import grammar

        return grammar

    def judge(self, content: Content, answer: Mapping[str, Any]) -> Judged:
        """Count the bins that are used; every item must lie in one, and no bin may hold more than its capacity."""
        items, capacity = np.array(content["items"]), content["capacity"]
        bins = answer.get("bins")
        if not isinstance(bins, list) or len(bins) != len(items) or any(type(place) is not int for place in bins):
            return Judged(fault="there is no bin for each item")
        if not all(0 <= place < len(items) for place in bins):
            return Judged(fault="an item lies in a bin that there is not")
        loads = np.bincount(bins, weights=items)
        if loads.max() > capacity:
            return Judged(fault=f"a bin of capacity {capacity} holds {loads.max():g}")
        loads = loads[np.bincount(bins) > 0]
        bound = lower_bound(content)
        stats = {
            "bins": float(len(loads)),
            "lower_bound": float(bound),
            "gap_percent": 100 * (len(loads) - bound) / bound,
            "full": float(np.mean(loads == capacity)),
            "half_empty": float(np.mean(loads < capacity / 2)),
        }
        named: dict[int, int] = {}
        packing = tuple(named.setdefault(place, len(named)) for place in bins)
        return Judged(cost=1.0 + len(loads) - bound, stats=stats, answer=packing)


def lower_bound(content: Content) -> int:
    """Return how many bins hold the sum of the sizes: L1 of Martello and Toth, "Knapsack Problems", 1990, chapter 8."""
    return math.ceil(float(sum(content["items"])) / float(content["capacity"]))


domain = Packing
