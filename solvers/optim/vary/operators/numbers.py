"""Changes defaults and ranges of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply
from slotforge.solvers.optim.vary.draft import Draft

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, _donors: Sequence[Draft], rng: Generator) -> str | None:
    """Draw another default for a number from its range, and now and then a wider range."""
    if not draft.numbers:
        return None
    name = apply.choose(rng, list(draft.numbers))
    old = draft.numbers[name]
    value = float(f"{min(old.high, max(old.low, old.at(float(rng.random())))):.3g}")
    wide = rng.random() < 0.2 and old.scale == "log"
    low, high = (old.low / 10, old.high * 10) if wide else (old.low, old.high)
    value = min(high, max(low, value))
    draft.numbers[name] = old.model_copy(update={"default": value, "low": low, "high": high})
    return f"{name} {value:g}" if value != old.default or wide else None
