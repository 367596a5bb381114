"""Adds an operand to an expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply, blocks
from slotforge.solvers.optim.vary.draft import Draft, size

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, _donors: Sequence[Draft], rng: Generator) -> str | None:
    """Draw an operand, and add it times a new number."""
    sites = [site for site in draft.sites if not site.scalar]
    operands = blocks.OPERANDS[draft.slot]
    if not sites or not operands or size(draft.update) > 300:
        return None
    sign, operand = apply.choose(rng, ("+", "-")), apply.choose(rng, operands)
    block = blocks.Block(f"X {sign} WEIGHT * {operand}", f"X {sign} a multiple of {operand}")
    return apply.put(draft, apply.choose(rng, sites), block)
