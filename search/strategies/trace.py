"""Feedback from the trace of the execution: where the work went and how the slot decided, on what was lost.

Source: Cheng, Nie and Swaminathan 2024, "Trace is the Next AutoDiff: Generative Optimization with Rich Feedback,
Execution Traces, and LLMs", arXiv:2406.16218, whose optimizer OptoPrime proposes the next value of a parameter from the
trace that leads from it to the feedback, with the last attempts in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from numpy.random import Generator

from slotforge.core.seams import Archive
from slotforge.core.types import Request, Trial
from slotforge.search.archive import not_worse
from slotforge.search.strategies._common import at_least, candidate_of


@dataclass(kw_only=True)
class Trace:
    """Improves one slot of the incumbent at a time, with the traces of the incumbent and of the last attempt at it.

    patience: trials spent on a slot before the next has its turn.
    """

    patience: int = 4
    _asked: int = field(default=0, init=False)
    _last: dict[str, Trial] = field(default_factory=dict, init=False)

    operators: ClassVar[Sequence[str]] = ("trace",)

    def __post_init__(self) -> None:
        at_least(1, patience=self.patience)

    def ask(self, archive: Archive, rng: Generator) -> Request:  # noqa: ARG002
        """Ask for the next version of the slot whose turn it is."""
        slot = archive.slots[self._asked // self.patience % len(archive.slots)]
        self._asked += 1
        parents = [candidate_of(archive.incumbent)]
        if slot in self._last:
            parents.append(candidate_of(self._last[slot]))
        return Request(operator="trace", parents=tuple(parents), slots=(slot,))

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Move to what is not worse, and remember what was measured and is worse, for its trace."""
        if not_worse(trial, archive.incumbent):
            archive.promote(trial)
            self._last.clear()
        elif trial.scored:
            (slot,) = trial.slots
            self._last[slot] = trial


strategy = Trace
