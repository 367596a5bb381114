"""What kind of solver a candidate is: axes in [0, 1], held against the reference on the same instances.

Each stands for the mean, over instances, of the binary logarithm of a quantity over the reference's, cut to
[-REACH, REACH]: 0.5 is as the reference, 0 an eighth of it or less, 1 eight times as much or more. In between an axis
goes with the square root, for most policies move these quantities by a few percent, and few by much: of five equal bins
the middle one is within 9 % of the reference, and the outer ones begin at about half and twice as much.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from slotforge.core.types import Measurement

REACH = 3.0
DIGITS = 6

Quantity = Callable[[Measurement], float | None]


def _per_conflict(name: str) -> Quantity:
    def quantity(run: Measurement) -> float | None:
        count, conflicts = run.cost if name == "ticks" else run.stats.get(name), run.stats.get("conflicts")
        return count / conflicts if count is not None and conflicts else None

    return quantity


AXES: Mapping[str, Quantity] = {
    "restarts": _per_conflict("restarts"),
    "glue": lambda run: run.stats.get("glue"),
    "trail": lambda run: run.stats.get("trail"),
    "ticks": _per_conflict("ticks"),
}


def axes(measurements: Sequence[Measurement], reference: Sequence[Measurement]) -> dict[str, float]:
    """Compare restarts per conflict, mean glue, mean trail, and ticks per conflict; leave out what was not counted."""
    known = {(run.instance, run.seed): run for run in reference}
    pairs = [(run, other) for run in measurements if (other := known.get((run.instance, run.seed)))]
    found = {}
    for name, quantity in AXES.items():
        both = [(quantity(run), quantity(other)) for run, other in pairs]
        logs = [_log(mine, theirs) for mine, theirs in both if mine is not None and theirs is not None]
        if logs:
            found[name] = round(_place(sum(logs) / len(logs)), DIGITS)
    return found


def _place(log: float) -> float:
    return (1 + math.copysign(math.sqrt(abs(log) / REACH), log)) / 2


def _log(mine: float, theirs: float) -> float:
    """Return the cut logarithm of a ratio; nothing against nothing is as the reference."""
    if mine <= 0 or theirs <= 0:
        return REACH * ((mine > 0) - (theirs > 0))
    return max(-REACH, min(REACH, math.log2(mine / theirs)))
