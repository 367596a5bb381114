"""Grafts an expression of another parent, with its numbers, its state and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.optim.vary import apply
from slotforge.solvers.optim.vary.draft import Draft

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(draft: Draft, donors: Sequence[Draft], rng: Generator) -> str | None:
    """Put the graft in the place of an expression of the same kind; the donor must be a plain list of statements."""
    from slotforge.solvers.optim.vary.graft import graft

    return graft(draft, apply.choose(rng, donors), rng) if donors else None
