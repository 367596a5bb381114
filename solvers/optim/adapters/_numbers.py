"""By which names a user sets the numbers of a rule that has several parts."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from slotforge.core.errors import UsageError


def options(numbers: Iterable[str]) -> dict[str, str]:
    """Map short names to full ones: "lr" is "step.lr"; a name that an earlier part has is "part_name".

    Args:
        numbers: by "slot.name".
    """
    found: dict[str, str] = {}
    for full in sorted(numbers, key=lambda full: (not full.startswith("step."), full)):
        name = full.partition(".")[2]
        found[full.replace(".", "_") if name in found else name] = full
    return found


def chosen(defaults: Mapping[str, float], given: Mapping[str, Any], unsigned: Collection[str]) -> dict[str, Any]:
    """Set numbers, all by their short names.

    Args:
        defaults: of all.
        given: what takes their place.
        unsigned: which must not be negative.

    Raises:
        UsageError: the rule has no such number, or a value is not finite, or negative where it must not be.
    """
    for name, value in given.items():
        if name not in defaults:
            raise UsageError(f"no number '{name}': this rule has {', '.join(defaults) or 'none'}")
        if isinstance(value, int | float) and not math.isfinite(value):
            raise UsageError(f"number '{name}' must be finite, not {value}")
        if isinstance(value, int | float) and value < 0 and name in unsigned:
            raise UsageError(f"number '{name}' must not be negative, as {value} is")
        if callable(value):
            raise UsageError(f"number '{name}' must be a number, not a function")
    return {**defaults, **given}
