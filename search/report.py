"""What a search ends with: the document that `discover --json` prints and the database keeps."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.core.types import FamilyVerdict, Record, Verdict


class Baseline(Record):
    """The solver as it ships."""

    candidate: str


class Best(Record):
    """The winner: its sources, and its ratio on the splits that it was found and chosen on.

    Where no candidate held on the select split it is the baseline, without slots.
    """

    candidate: str
    slots: Mapping[str, str]
    ratio_search: float
    ratio_select: float | None = None


class Control(Record):
    """A solver that the winner must be held against, on the same holdout instances."""

    candidate: str
    name: str
    ratio: float
    low: float
    high: float


class Cost(Record):
    """What the run spent."""

    usd: float
    tokens: int
    cpu_s: float


class Report(Record):
    """The outcome of a search; ratios below 1 are faster than the baseline.

    state: "finished", or "interrupted" when it can be resumed (then there is no holdout verdict).
    trials: candidates tried.
    """

    run: str
    state: str
    trials: int
    states: Mapping[str, int]
    baseline: Baseline
    best: Best
    holdout: Verdict | None
    controls: Mapping[str, Control]
    cost: Cost

    @property
    def rivals(self) -> list[Control]:
        """The controls besides the baseline, whose ratio to itself says nothing."""
        return [control for name, control in self.controls.items() if name != "baseline"]


NO_DIFFERENCE = FamilyVerdict(ratio=1, low=1, high=1, p=1, instances=0, verdict="no difference", cpu_ratio=1)
