"""What several strategies need."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from slotforge.core.types import Candidate, Trial


def candidate_of(trial: Trial) -> Candidate:
    """Return the candidate of a trial that is known to have one."""
    if trial.candidate is None:
        raise ValueError(f"trial {trial.number} has no candidate")
    return trial.candidate


def standard_bit_mutation(slots: Sequence[str], rng: Generator) -> tuple[str, ...]:
    """Choose k of n slots with k ~ Bin(n, 1/n), but at least one: the mutation of the (1+1)-EA on bit strings."""
    chosen = tuple(slot for slot in slots if rng.random() < 1 / len(slots))
    return chosen or (slots[int(rng.integers(len(slots)))],)
