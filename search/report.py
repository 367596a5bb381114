"""What a search ends with: the document that `discover --json` prints and the database keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from slotforge.core.comparison import REFUTED, Verdict
from slotforge.core.types import CAP, Candidate, Record, Trial
from slotforge.search.verdict import LEAST_INSTANCES

NOT_OPENED = "no candidate beat the baseline on the select split, so the holdout split was not opened"
UNREADABLE = "its report cannot be read: it is damaged, or of another version of slotforge"
NOTICED = 1.001  # a ratio nearer to 1 is no difference that matters, however sure it is
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


class Effect(Record):
    """A ratio of costs on the select split, with its 95 % interval."""

    ratio: float
    low: float
    high: float

    @property
    def seen(self) -> bool:
        """Whether the interval excludes that nothing changes, or next to nothing."""
        return self.low > NOTICED or self.high < 1 / NOTICED


class Part(Record):
    """What one slot of the winner does.

    without: cost of the winner with this slot as it ships, over the winner's; above 1 the slot helps.
    without_candidate: id of that candidate.
    alone: cost of the solver as it ships but for this slot, over the baseline's.
    """

    slot: str
    without: Effect | None = None
    without_candidate: str
    alone: Effect | None = None
    alone_candidate: str


class Ablation(Record):
    """The winner taken apart, on the select split.

    together: cost of the winner over the product of what its slots reach alone, both over the baseline's: below 1 they
        are more together than apart; None where one of them fails alone.
    """

    instances: int
    parts: tuple[Part, ...]
    together: Effect | None = None

    @property
    def useless(self) -> tuple[Part, ...]:
        """The slots whose removal is not seen to cost anything."""
        return tuple(part for part in self.parts if part.without is not None and part.without.low <= NOTICED)

    @property
    def words(self) -> tuple[str, ...]:
        """Say in words what the figures mean."""
        lines = [
            f"without {part.slot} nothing is seen to be lost: {part.without_candidate} does without it"
            for part in self.useless
        ]
        if lines and self.instances < LEAST_INSTANCES:
            lines = [f"{self.instances} instances are too few to see of each slot what it does"]
        if self.together is None:
            return tuple(lines)
        figures = f"{self.together.ratio:.3f} ({self.together.low:.3f} - {self.together.high:.3f})"
        if not self.together.seen:
            return (*lines, f"the slots together cost what their single gains multiply to, within noise: {figures}")
        how = "less: they are adapted to one another" if self.together.high < 1 else "more: their gains overlap"
        return (*lines, f"the slots together cost {figures} of what their single gains multiply to, {how}")


class Offered(Record):
    """A candidate of an earlier run that was raced before the first proposal.

    state: how its race ended; ratio: on the search split, as far as it was measured.
    """

    candidate: str
    state: str
    ratio: float | None = None

    @classmethod
    def of(cls, trial: Trial) -> Offered:
        """Take what a trial says."""
        return cls(candidate=trial.candidate.id if trial.candidate else "", state=trial.state, ratio=trial.ratio)


class Cost(Record):
    """What the run spent."""

    usd: float
    tokens: int
    cpu_s: float


class Staleness(Record):
    """How many of the trials before it a trial was proposed without knowing of, for they were still under way.

    bound: the window, which is more than it ever is: trial n is proposed once the trials up to n - window have ended.
    """

    mean: float
    most: int
    bound: int

    @classmethod
    def of(cls, trials: int, window: int) -> Staleness:
        """Tell it of a search of so many trials."""
        missed = [min(number, window) - 1 for number in range(1, trials + 1)]
        return cls(mean=round(sum(missed) / max(1, trials), 3), most=max(missed, default=0), bound=window)


class Report(Record):
    """The outcome of a search; ratios below 1 are better than the baseline.

    state: "finished", or "interrupted" when it can be resumed (then there is no holdout verdict).
    failure: why it was interrupted, when that was not the user's wish: what the model's server said last.
    trials: candidates tried, besides those that were raced before.
    raced_before: built-in policies and candidates of earlier runs, of which one may be the winner as well.
    repairs: answers that were given anew because what stood in the one before was nothing to evaluate.
    models: how many of them each model wrote; `offline` is variation without one.
    staleness: of what they were proposed from.
    ablation: of a winner that replaces several slots, whatever its verdict.
    library: candidates of earlier runs that the search could go on from.
    """

    run: str
    state: str
    failure: str = ""
    trials: int
    raced_before: int = 0
    states: Mapping[str, int]
    repairs: int = 0
    models: Mapping[str, int] = {}
    staleness: Staleness | None = None
    baseline: Baseline
    best: Best
    holdout: Verdict | None
    controls: Mapping[str, Control]
    ablation: Ablation | None = None
    library: tuple[Offered, ...] = ()
    cost: Cost

    @property
    def rivals(self) -> Mapping[str, Control]:
        """The controls besides the baseline, whose ratio to itself says nothing."""
        return {kind: control for kind, control in self.controls.items() if kind != "baseline"}

    @property
    def unmeasured(self) -> str:
        """Why nothing was measured on the holdout split; empty where it was, or where that is still to come."""
        return "" if self.holdout is None or self.holdout.instances else "; ".join(self.holdout.notes)


def read(stored: Mapping[str, Any] | None) -> Report | None:
    """Read the report that the database keeps of a run; None where it has none yet, or one that cannot be read."""
    try:
        return Report.model_validate(stored) if stored else None
    except ValidationError:
        return None


def nothing_tested(why: str) -> Verdict:
    """Return the verdict where nothing was compared on the holdout split, with a note that says why."""
    return Verdict(ratio=1, low=1 / CAP, high=CAP, p=1, instances=0, verdict="no difference", cpu_ratio=1, notes=(why,))


def refuted(instances: int, reason: str) -> Verdict:
    """Return the verdict on a candidate that failed where it was to be judged: no speed makes up for that."""
    note = REFUTED + reason
    return Verdict(
        ratio=CAP, low=CAP, high=CAP, p=0, instances=instances, verdict="worse", cpu_ratio=CAP, notes=(note,)
    )
