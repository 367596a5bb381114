"""Swaps two expressions."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply
from slotforge.solvers.optim.vary.draft import Draft

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, _donors: Sequence[Draft], rng: Generator) -> str | None:
    """Draw two expressions of one kind, neither within the other."""
    if len(draft.sites) < 2:
        return None
    first, second = (apply.choose(rng, draft.sites) for _ in range(2))
    nested = any(
        one in map(id, ast.walk(a)) for a, one in ((first.node, id(second.node)), (second.node, id(first.node)))
    )
    if nested or first.scalar != second.scalar or ast.dump(first.node) == ast.dump(second.node):
        return None
    first.put(second.node)
    second.put(first.node)
    return f"{apply.shown(first.node)} and {apply.shown(second.node)} swapped"
