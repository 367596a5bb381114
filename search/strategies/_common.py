"""What several strategies need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from numpy.random import Generator

from slotforge.core.seams import Archive
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


def ratio_of(trial: Trial) -> float:
    """Return the ratio of a trial that is known to have been measured."""
    if trial.ratio is None:
        raise ValueError(f"trial {trial.number} was not measured")
    return trial.ratio


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Sort measured trials, the best first; of equal ones the earlier."""
    return sorted(trials, key=lambda trial: (ratio_of(trial), trial.number))


def race_against_weakest(archive: Archive, members: Iterable[Trial]) -> None:
    """Let proposals be raced against the worst of those that they may have to replace.

    A population needs members that are measured in full, though they are worse than the best; what is clearly worse
    than all of them need not be measured to the end.
    """
    archive.promote(ranked(members)[-1])


def first_phase(count: int, archive: Archive) -> int:
    """Return how many trials go into a first generation: at least one, at most 30 % of the budget.

    The share is ReEvo's: 30 of 100.
    """
    return count if archive.horizon is None else max(1, min(count, 3 * archive.horizon // 10))


def told(archive: Archive) -> int:
    """Return how many proposals a strategy was told of: numbers of trials may have gaps, for not all are proposals."""
    return len(archive.trials) - 1


def at_least(least: float, **settings: float) -> None:
    """Refuse settings that are too small to make sense."""
    for name, value in settings.items():
        if value < least:
            raise ValueError(f"{name}={value}: expected at least {least}")
