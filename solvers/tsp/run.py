"""Build a tour step by step by a policy: the skeleton of ReEvo and MCTS-AHD."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from slotforge.core.errors import BuildError
from slotforge.solvers.policy.source import load


def tour(
    select_next: Callable[[int, int, np.ndarray, np.ndarray], Any], points: Sequence[Sequence[float]]
) -> list[int]:
    """Return the order of visits, from city 0, to which the tour returns in the end."""
    places = np.asarray(points)
    distances = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=-1))
    distances.flags.writeable = False
    order = [0]
    unvisited = np.arange(1, len(places))
    while len(unvisited):
        node = np.asarray(select_next(order[-1], 0, unvisited.copy(), distances))
        if node.ndim or node.dtype.kind not in "iu" or not (unvisited == node).any():
            raise ValueError(f"select_next must return one of the unvisited cities, not {node.dtype} {str(node)[:40]}")
        order.append(int(node))
        unvisited = unvisited[unvisited != node]
    return order


def answer(ask: Mapping[str, Any]) -> Mapping[str, Any]:
    """Visit the points of an ask; raises BuildError when what the policy returns is no city to go to."""
    select_next = load(ask["source"], "select_next")
    with np.errstate(all="ignore"):
        try:
            return {"order": tour(select_next, ask["points"])}
        except ValueError as error:
            if str(error).startswith("select_next must"):
                raise BuildError(str(error)) from None
            raise
