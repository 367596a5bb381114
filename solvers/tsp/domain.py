"""Constructive travelling salesman: one slot in Python, judged by the length of the tour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from slotforge.core.types import Terms
from slotforge.solvers.policy.domain import Judged, Policies
from slotforge.solvers.policy.families import Content

if TYPE_CHECKING:
    from slotforge.solvers.policy.vary import Grammar


class Tsp(Policies):
    """The domain of constructive travelling salesman: see `core.seams.Domain`."""

    name = "tsp"
    terms = Terms(
        language="python",
        unit="the length of the tour, in sides of the square that the cities lie in",
        short="tour length",
        reference="nearest neighbour",
        by_cpu=False,
        effort="the work of a policy costs nothing as long as an instance takes less than 10 CPU seconds",
        checked="{models} tours checked",
        next=(
            "slotforge bench tsp --candidate {candidate}",
            "slotforge export {candidate} --as python --out my_tour.py",
        ),
        use="slotforge export {name} --as python --out my_tour.py",
    )
    slot = "select_next"
    per_family = 50
    axes = MappingProxyType({"nearest": 1.0, "longest_leg": 2**0.5, "last_leg": 2**0.5})
    usage = "`tour(select_next, points)` returns the order of visits."

    @property
    def host(self) -> Callable[..., Any]:
        """Builds a tour."""
        from slotforge.solvers.tsp.run import tour

        return tour

    @property
    def grammar(self) -> Grammar:
        """What is known of the cities that are left."""
        from slotforge.solvers.tsp.grammar import grammar

        return grammar

    def judge(self, content: Content, answer: Mapping[str, Any]) -> Judged:
        """Measure the tour, which must visit every city once."""
        points, order = np.array(content["points"]), answer.get("order")
        if not isinstance(order, list) or any(type(city) is not int for city in order):
            return Judged(fault="there is no tour")
        if sorted(order) != list(range(len(points))):
            return Judged(fault="the tour does not visit every city once")
        visits = points[order]
        legs = np.sqrt(((visits - np.roll(visits, -1, axis=0)) ** 2).sum(axis=1))
        stats = {
            "length": float(legs.sum()),
            "nearest": _nearest(visits),
            "longest_leg": float(legs.max()),
            "last_leg": float(legs[-1]),
        }
        return Judged(cost=stats["length"], stats=stats, answer=tuple(order))


def _nearest(visits: np.ndarray) -> float:
    """Return the share of steps that went to the nearest city that was left."""
    squares = ((visits[:, None] - visits[None]) ** 2).sum(axis=-1)
    later = np.where(np.triu(np.ones(squares.shape, dtype=bool), 1), squares, np.inf)
    return float(np.mean(np.diagonal(squares, 1) <= later[:-1].min(axis=1)))


domain = Tsp
