"""Replaces an expression by an operand."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply, blocks
from slotforge.solvers.optim.vary.draft import Draft, expression, filled

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, _donors: Sequence[Draft], rng: Generator) -> str | None:
    """Draw an operand of the same kind: the gradient, the point, a number, a memory."""
    if not draft.sites:
        return None
    site = apply.choose(rng, draft.sites)
    held = [one.node for one in draft.sites if isinstance(one.node, ast.Subscript) and one.scalar == site.scalar]
    names = [expression(text) for text in (blocks.SCALARS if site.scalar else blocks.OPERANDS[draft.slot])]
    operands = [node for node in [*names, *held] if ast.dump(node) != ast.dump(site.node)]
    if not operands:
        return None
    node = apply.choose(rng, operands)
    told = f"{apply.shown(node)} for {apply.shown(site.node)}"
    site.put(filled("X", X=node))
    return told
