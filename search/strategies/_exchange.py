"""Uniform crossover of genomes: whole slots change hands, and no model is asked.

Source: Syswerda, "Uniform crossover in genetic algorithms", ICGA 1989.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numpy.random import Generator

from slotforge.core.types import Candidate


def exchange(first: Candidate, second: Candidate, slots: Sequence[str], rng: Generator) -> Mapping[str, str]:
    """Draw the slots that the first parent takes over from the second, half of those in which they differ.

    Returns:
        Slot to source; empty where the child would be as one of the parents.
    """
    apart = [slot for slot in slots if first.slots.get(slot) != second.slots.get(slot)]
    taken = {slot: second.slots[slot] for slot in apart if slot in second.slots and rng.random() < 0.5}
    return taken if len(taken) < len(apart) else {}
