"""What a run has found so far: its trials in order, and the incumbent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from slotforge.core.types import Trial, TrialState

FAILED_STATES = (TrialState.REJECTED, TrialState.FAILED, TrialState.TIMEOUT, TrialState.WRONG)


@dataclass(kw_only=True)
class Archive:
    """The trials that a strategy has been told of.

    slots: the slots that are searched over.
    baseline: trial 0, the solver as it ships; it is the first incumbent.
    """

    slots: Sequence[str]
    baseline: Trial
    trials: list[Trial] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.incumbent = self.baseline
        self.trials.append(self.baseline)

    def promote(self, trial: Trial) -> None:
        """Make a trial the incumbent."""
        self.incumbent = trial

    def best(self, count: int) -> list[Trial]:
        """Return the scored trials of lowest ratio, without the baseline, best first, one per candidate."""
        distinct = {t.candidate.id: t for t in reversed(self.trials[1:]) if t.scored and t.candidate is not None}
        return sorted(distinct.values(), key=lambda t: (t.ratio, t.number))[:count]

    def failures(self, slots: Sequence[str], count: int) -> list[Trial]:
        """Return the last failed trials that touched any of these slots, newest first."""
        touched = (t for t in reversed(self.trials) if t.state in FAILED_STATES and set(t.slots) & set(slots))
        return [trial for trial, _ in zip(touched, range(count), strict=False)]


def not_worse(trial: Trial, incumbent: Trial) -> bool:
    """Whether a trial was measured in full and costs at most as much as the incumbent."""
    return trial.scored and trial.ratio is not None and incumbent.ratio is not None and trial.ratio <= incumbent.ratio


def better(trial: Trial, incumbent: Trial) -> bool:
    """Whether a trial was measured in full and costs less than the incumbent."""
    return not_worse(trial, incumbent) and trial.ratio != incumbent.ratio
