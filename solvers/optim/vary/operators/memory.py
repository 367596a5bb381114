"""Inserts a new memory that keeps a part of itself and is fed by an expression or by its changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply, blocks
from slotforge.solvers.optim.vary.draft import Draft

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, _donors: Sequence[Draft], rng: Generator) -> str | None:
    """Draw what the memory keeps and what it is fed."""
    sites = [site for site in draft.sites if not site.scalar]
    if not sites or draft.slot in ("selection", "sampling", "schedule"):
        return None
    carry = apply.choose(rng, blocks.CARRY)
    feed, last = apply.choose(rng, blocks.FEED)
    said = f"a memory of X that keeps {carry.replace('OLD', 'itself')} and is fed {feed}"
    said = said.replace("BETA", "a share of").replace("aux.mix(itself)", "itself mixed").replace(" * ", " ")
    said = (
        said.replace("fed X - LAST", "fed by changes").replace("fed DECAY", "fed a share of").replace("OLD", "itself")
    )
    block = blocks.Block(
        "NEW", said.replace("fed X", "fed it").replace("(X - itself)", "what it lacks"), f"{carry} + {feed}"
    )
    return apply.put(draft, apply.choose(rng, sites), block, last)
