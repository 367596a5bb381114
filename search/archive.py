"""What a run has found so far: its trials in order, and the incumbent."""

from __future__ import annotations

from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from slotforge.core.types import Candidate, Slot, Trial, TrialState
from slotforge.search.trials import Trials

FAILED_STATES = (TrialState.REJECTED, TrialState.FAILED, TrialState.TIMEOUT, TrialState.WRONG)
NO_ANSWER = "model: "  # begins the reason of a trial whose question was not answered: no fault of any code
LOOK_BACK = 200  # failures further back than this are forgotten by prompts


@dataclass(kw_only=True)
class Archive:
    """The trials that a strategy has been told of, in order.

    slots: the slots that are searched over.
    baseline: trial 0, what costs are held against; it is the first incumbent, unless the search begins elsewhere.
    horizon: how many trials the budget allows; None where it does not count them.
    seeds: scored trials from before the first proposal that may be parents, best first; never empty.
    trials: the baseline's and those of proposals; built-in policies, whose numbers are negative, are not among them.
    states: how many proposals ended how.
    models: how many proposals each model wrote.
    leader: the scored trial of lowest ratio besides the baseline, once there is one.
    behaviour: says what the candidate of a trial does: see `Domain.behaviour`.
    """

    slots: Sequence[str]
    baseline: Trial
    horizon: int | None = None
    leader: Trial | None = None
    behaviour: Callable[[Trial], Mapping[str, float]] = lambda _: {}
    states: Counter[TrialState] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    _builtins: dict[int, Trial] = field(default_factory=dict)
    _places: dict[str, int] = field(default_factory=dict)
    _ranking: list[tuple[float, int]] = field(default_factory=list)
    _failed: deque[Trial] = field(default_factory=lambda: deque(maxlen=LOOK_BACK))
    _raced: set[tuple[str, str]] = field(default_factory=set)
    _known: dict[str, Slot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.incumbent = self.baseline
        self.seeds = [self.baseline]
        self.trials = Trials(self.baseline)
        self._rank(self.baseline, 0)

    @property
    def best_so_far(self) -> Trial:
        """The scored trial of lowest ratio: what the search begins from, as long as no other is better."""
        begun = self.seeds[0]
        return self.leader if self.leader is not None and better(self.leader, begun) else begun

    @property
    def raced_before(self) -> int:
        """How many built-in policies and candidates of earlier runs were raced before the first proposal."""
        return len(self._builtins)

    def add(self, trial: Trial) -> None:
        """Take in a finished trial."""
        self.trials.append(trial)
        self.states[trial.state] += 1
        self.models.update([trial.model] if trial.model else [])
        if trial.state in FAILED_STATES and not trial.reason.startswith(NO_ANSWER):
            self._failed.append(trial)
        self._rank(trial, len(self.trials) - 1)

    def begin_with(self, builtins: Sequence[Trial], *, apart: bool = False) -> None:
        """Take in built-in policies that were raced before the first proposal; the best is where the search begins.

        apart: the baseline is no solver to vary, so that even a worse one is to be begun from.
        """
        for trial in builtins:
            self._builtins[trial.number] = trial
            self._rank(trial, trial.number)
            self._raced.update(trial.candidate.slots.items() if trial.candidate else ())
        self._known.clear()
        scored = [trial for trial in builtins if trial.scored and trial.candidate is not None]
        if not (apart and scored):
            scored.append(self.baseline)
        self.seeds = sorted(scored, key=lambda t: (t.ratio, -t.number))
        if self.leader is not None and (apart or better(self.leader, self.incumbent)):
            self.promote(self.leader)

    def known(self, slot: Slot) -> Slot:
        """Leave of a slot's built-in policies the default and those that were raced: of the others nothing is known."""
        if slot.name not in self._known:
            raced = {
                name: source
                for name, source in slot.variants.items()
                if source == slot.default or (slot.name, source) in self._raced
            }
            self._known[slot.name] = slot.model_copy(update={"variants": raced})
        return self._known[slot.name]

    def _rank(self, trial: Trial, place: int) -> None:
        """Remember where a scored trial is: a place among the trials, or the negative number of a built-in policy."""
        if not trial.scored or trial.candidate is None or trial.ratio is None:
            return
        if self._places.setdefault(trial.candidate.id, place) == place and place != 0:
            insort(self._ranking, (trial.ratio, place))
        if place != 0 and (self.leader is None or better(trial, self.leader)):
            self.leader = trial

    def _at(self, place: int) -> Trial:
        return self.trials[place] if place >= 0 else self._builtins[place]

    def promote(self, trial: Trial) -> None:
        """Make a trial the incumbent."""
        self.incumbent = trial

    def measured(self, candidate: Candidate) -> Trial | None:
        """Return the first trial in which a candidate was measured in full."""
        place = self._places.get(candidate.id)
        return None if place is None else self._at(place)

    def best(self, count: int) -> list[Trial]:
        """Return the scored trials of lowest ratio, without the baseline, best first, one per candidate."""
        return [self._at(place) for _, place in self._ranking[:count]]

    def failures(self, slots: Sequence[str], count: int) -> list[Trial]:
        """Return the last failed trials that touched any of these slots, newest first."""
        wanted = set(slots)
        touched = (trial for trial in reversed(self._failed) if not wanted.isdisjoint(trial.slots))
        return list(islice(touched, count))


def not_worse(trial: Trial, incumbent: Trial) -> bool:
    """Whether a trial was measured in full and costs at most as much as the incumbent."""
    return trial.scored and trial.ratio is not None and incumbent.ratio is not None and trial.ratio <= incumbent.ratio


def better(trial: Trial, incumbent: Trial) -> bool:
    """Whether a trial was measured in full and costs less than the incumbent."""
    return not_worse(trial, incumbent) and trial.ratio != incumbent.ratio
