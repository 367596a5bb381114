"""Builds on an expression with a block of the grammar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply, blocks
from slotforge.solvers.optim.vary.draft import Draft

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, _donors: Sequence[Draft], rng: Generator) -> str | None:
    """Draw a block that suits the slot, and an expression that suits the block."""
    known = blocks.BLOCKS[draft.slot]
    weights = [block.weight for block in known]
    block = known[int(rng.choice(len(known), p=[weight / sum(weights) for weight in weights]))]
    scalar = draft.slot == "schedule"
    sites = [site for site in draft.sites if block.of == "both" or site.scalar == scalar]
    return apply.put(draft, apply.choose(rng, sites), block) if sites else None
