"""Deletes an operation."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply
from slotforge.solvers.optim.vary.draft import Draft

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, _donors: Sequence[Draft], rng: Generator) -> str | None:
    """Put a part of an expression in place of the whole."""
    found = []
    for site in draft.sites:
        inner = {id(node) for node in ast.walk(site.node)} - {id(site.node)}
        found += [(site, one) for one in draft.sites if id(one.node) in inner and one.scalar == site.scalar]
    if not found:
        return None
    site, part = apply.choose(rng, found)
    site.put(part.node)
    return f"{apply.shown(part.node)} in place of {apply.shown(site.node)}"
