"""Pack items online by a policy: the skeleton that FunSearch, EoH, ReEvo and MCTS-AHD share.

Source: Romera-Paredes et al., "Mathematical discoveries from program search with large language models", Nature 625,
2024, section "Bin packing".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from slotforge.core.errors import BuildError
from slotforge.solvers.policy.source import load


def pack(priority: Callable[[float, np.ndarray], Any], items: Sequence[float], capacity: float) -> list[int]:
    """Return the bin of each item, in order: among the bins that it fits into, the first of highest priority.

    As many bins as items stand open from the start, and `priority` sees the space left in all that the item fits into,
    in the order of their numbers.
    """
    left = np.full(len(items), float(capacity))
    used = 0  # behind it all bins are empty
    chosen = []
    for item in map(float, items):
        fitting = np.flatnonzero(left[:used] >= item)
        space = np.concatenate((left[fitting], left[used:]))
        scores = np.asarray(priority(item, space))
        if scores.shape not in ((), left[: len(fitting) + len(left) - used].shape) or scores.dtype.kind not in "biuf":
            raise ValueError(f"priority must return a number for each bin, not {scores.dtype} of shape {scores.shape}")
        best = int(np.argmax(scores))
        if np.isnan(scores.flat[best]):
            raise ValueError("priority must not return nan")
        place = int(fitting[best]) if best < len(fitting) else used + best - len(fitting)
        left[place] -= item
        used = max(used, place + 1)
        chosen.append(place)
    return chosen


def answer(ask: Mapping[str, Any]) -> Mapping[str, Any]:
    """Pack the items of an ask; raises BuildError when what the policy returns is no priority."""
    priority = load(ask["source"], "priority")
    with np.errstate(all="ignore"):
        try:
            return {"bins": pack(priority, ask["items"], ask["capacity"])}
        except ValueError as error:
            if str(error).startswith("priority must"):
                raise BuildError(str(error)) from None
            raise
