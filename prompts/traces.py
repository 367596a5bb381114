"""Traces of executions: where the work of a run went and what a slot decided, held against the reference.

They are read from the statistics of measurements by the beginnings of their names, whatever the domain: `ticks_PART` is
work by part of the solver, `slot_NAME_WHAT` is counted of the decisions of a slot, and `target_K` is what it cost to
get to the K-th of some targets. A domain that counts none of these has no traces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from slotforge.core.types import Measurement, charged, clipped

SHOWN = 3
WORK, SLOT, PROGRESS = "ticks_", "slot_", "target_"

Figures = Mapping[str, tuple[float | None, float | None]]  # of the candidate, and of the reference; None: not counted


class Traced(NamedTuple):
    """One run of a candidate beside the reference.

    cost: of the reference.
    ratio: as in `context.Paired`.
    work: share of each part of the solver in the whole.
    decisions: what was counted of the requested slots, by "slot what".
    progress: cost to each target, by its number.
    """

    family: str
    cost: float
    ratio: float
    work: Figures
    decisions: Figures
    progress: Figures


def traces(
    both: Sequence[tuple[Measurement, Measurement]], slots: Collection[str], known: Collection[str]
) -> tuple[Traced, ...]:
    """Trace a candidate on the instances on which it does worst beside the reference, the worst first.

    Args:
        both: runs of candidate and reference on the same instance and seed.
        slots: that are told of.
        known: all slots of the domain.
    """
    counted = (pair for pair in both if any(name.startswith((WORK, SLOT, PROGRESS)) for name in pair[0].stats))
    worst = sorted(counted, key=lambda pair: -charged(pair[0]) / charged(pair[1]))
    found = (_traced(*pair, slots, known) for pair in worst)
    return tuple(islice((one for one in found if one.work or one.decisions or one.progress), SHOWN))


def _traced(mine: Measurement, other: Measurement, slots: Collection[str], known: Collection[str]) -> Traced:
    return Traced(
        family=mine.family,
        cost=other.cost,
        ratio=clipped(charged(mine) / charged(other)),
        work=_beside(_shares(mine), _shares(other)),
        decisions=_beside(dict(_decisions(mine, slots, known)), dict(_decisions(other, slots, known))),
        progress=_beside(_under(PROGRESS, mine), _under(PROGRESS, other)),
    )


def _under(beginning: str, run: Measurement) -> dict[str, float]:
    return {name.removeprefix(beginning): n for name, n in run.stats.items() if name.startswith(beginning)}


def _shares(run: Measurement) -> dict[str, float]:
    parts = _under(WORK, run)
    whole = sum(parts.values())
    return {name: count / whole for name, count in parts.items()} if whole > 0 else {}


def _decisions(run: Measurement, slots: Collection[str], known: Collection[str]) -> Iterator[tuple[str, float]]:
    """Find what is counted of some slots; of slots whose names begin alike the longest that fits is meant."""
    for name, count in _under(SLOT, run).items():
        owner = max((slot for slot in known if name.startswith(f"{slot}_")), key=len, default="")
        if owner in slots:
            yield f"{owner} {name.removeprefix(f'{owner}_')}", count


def _beside(mine: Mapping[str, float], other: Mapping[str, float]) -> Figures:
    return {name: (mine.get(name), other.get(name)) for name in dict.fromkeys([*mine, *other])}
