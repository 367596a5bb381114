"""By which names a user sets the numbers of a rule that has several parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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


def chosen(defaults: Mapping[str, float], given: Mapping[str, Any]) -> dict[str, Any]:
    """Set numbers, by short name; raises UsageError for one that the rule does not have or that is not finite."""
    for name, value in given.items():
        if name not in defaults:
            raise UsageError(f"no number '{name}': this rule has {', '.join(defaults) or 'none'}")
        if isinstance(value, int | float) and not math.isfinite(value):
            raise UsageError(f"number '{name}' must be finite, not {value}")
    return {**defaults, **given}
