"""Which slots a request names, where the paper of a strategy knows of one function only."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from slotforge.core.types import Candidate


def one_of(slots: Sequence[str], rng: Generator) -> tuple[str]:
    """Draw one slot, all alike."""
    return (slots[int(rng.integers(len(slots)))],)


def differing(parents: Sequence[Candidate], slots: Sequence[str]) -> Sequence[str]:
    """Return the slots in which parents hold different code, for only there is something to recombine.

    All slots are returned where the parents are the same in each.
    """
    told_apart = [slot for slot in slots if len({parent.slots.get(slot) for parent in parents}) > 1]
    return told_apart or slots
