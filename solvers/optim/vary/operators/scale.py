"""Scales an expression by a new number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply, blocks
from slotforge.solvers.optim.vary.draft import Draft

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, _donors: Sequence[Draft], rng: Generator) -> str | None:
    """Multiply an expression by a number to tune."""
    if not draft.sites:
        return None
    return apply.put(draft, apply.choose(rng, draft.sites), blocks.Block("WEIGHT * X", "a multiple of X"))
