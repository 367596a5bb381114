"""What a search ends with: the document that `discover --json` prints and the database keeps."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.core.types import CAP, Candidate, Record, Verdict

NOT_OPENED = "no candidate beat the baseline on the select split, so the holdout split was not opened"
NOTHING_LEFT = "the baseline comes to an end on no instance of the holdout split, so nothing is known: give others"


class Baseline(Record):
    """The solver as it ships."""

    candidate: str


class Best(Record):
    """The winner: its sources, and its ratio on the splits that it was found and chosen on.

    Where no candidate held on the select split it is the baseline, without slots.
    policies: the built-in policies that it is made of, where no proposal did better than these.
    """

    candidate: str
    slots: Mapping[str, str]
    policies: str = ""
    ratio_search: float
    ratio_select: float | None = None


class Control(Record):
    """A solver that the winner must be held against, on the same holdout instances."""

    candidate: str
    name: str
    ratio: float
    low: float
    high: float

    @classmethod
    def of(cls, candidate: Candidate, name: str, held: Verdict) -> Control:
        """Take the figures of a verdict."""
        return cls(candidate=candidate.id, name=name, ratio=held.ratio, low=held.low, high=held.high)


class Cost(Record):
    """What the run spent."""

    usd: float
    tokens: int
    cpu_s: float


class Report(Record):
    """The outcome of a search; ratios below 1 are faster than the baseline.

    state: "finished", or "interrupted" when it can be resumed (then there is no holdout verdict).
    failure: why it was interrupted, when that was not the user's wish: no answer from the model.
    trials: candidates tried.
    """

    run: str
    state: str
    failure: str = ""
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


def nothing_tested(why: str) -> Verdict:
    """Return the verdict where nothing was compared on the holdout split, with a note that says why."""
    return Verdict(ratio=1, low=1 / CAP, high=CAP, p=1, instances=0, verdict="no difference", cpu_ratio=1, notes=(why,))


def refuted(instances: int, reason: str) -> Verdict:
    """Return the verdict on a winner that failed on the holdout split: no speed makes up for that."""
    note = f"refuted: {reason}"
    return Verdict(
        ratio=CAP, low=CAP, high=CAP, p=0, instances=instances, verdict="worse", cpu_ratio=CAP, notes=(note,)
    )
