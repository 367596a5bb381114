"""One candidate against the incumbent, block by block, until it is clearly worse or measured in full."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from slotforge.core.errors import KillsWorkers
from slotforge.core.latest import Latest
from slotforge.core.seams import Executor
from slotforge.core.types import (
    CAP,
    DIGEST,
    Candidate,
    Instance,
    Measurement,
    Outcome,
    Terms,
    Trial,
    TrialState,
    log_ratio,
)
from slotforge.search import worker
from slotforge.search.numbering import LIBRARY
from slotforge.search.proposers._endpoint import redact
from slotforge.search.racing import Course, WorseTest, defect, geometric_mean_ratio
from slotforge.search.verdict import cpu_excess

Bar = tuple[Mapping[str, Measurement], Course]  # an incumbent: its runs by instance, and what can be gained on them

FORGED = 5.0  # so many times the baseline's CPU time per unit of cost, and the cost is not what was spent
STATE_OF_DEFECT = {
    Outcome.WRONG: TrialState.WRONG,
    Outcome.CRASH: TrialState.FAILED,
    Outcome.TIMEOUT: TrialState.TIMEOUT,
    Outcome.TOO_LARGE: TrialState.FAILED,
}


def name_of(twin: int, terms: Terms) -> str:
    """Name an earlier trial to a model or a person."""
    if twin == 0:
        return terms.reference
    if twin > 0:
        return f"trial {twin}"
    return (
        f"a {'candidate of an earlier run' if twin <= LIBRARY else 'built-in policy'} that was raced before the search"
    )


def signature(measurements: Sequence[Measurement]) -> tuple[object, ...]:
    """Return what candidates that behave alike have in common: costs, and digests of the answers where they are told.

    Where costs are small whole numbers, they alone coincide for candidates that answer differently.
    """
    return tuple((m.cost, m.stats.get(DIGEST)) for m in measurements)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a race ended: see the fields of the same names in `Trial`; no secrets of this process are in its texts.

    ran: whether the candidate was evaluated, however that went; a copy was, if it took all instances to find it.
    copies_s: CPU seconds of copies that went back to the model in the same trial.
    """

    state: TrialState
    ran: bool = False
    reason: str = ""
    ratio: float | None = None
    against: int | None = None
    measurements: tuple[Measurement, ...] = ()
    log: Mapping[str, str] = field(default_factory=dict)
    copies_s: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", redact(self.reason))
        object.__setattr__(self, "log", {slot: redact(said) for slot, said in self.log.items()})

    @property
    def cpu_s(self) -> float:
        """CPU seconds of its trial so far."""
        return self.copies_s + sum(m.cpu_s for m in self.measurements)

    @property
    def fields(self) -> dict[str, Any]:
        """What a trial keeps of a race, by the names of its fields."""
        return {
            "state": self.state,
            "reason": self.reason,
            "ratio": self.ratio,
            "instances": len(self.measurements),
            "against": self.against,
            "cpu_s": self.cpu_s,
            "measurements": self.measurements,
            "log": self.log,
        }


@dataclass(frozen=True, kw_only=True)
class Race:
    """The course that all candidates of a run go over.

    instances: in the order in which they are run, which must be random for `alpha` to hold.
    seed: of the solver, for every run.
    reference: the baseline's measurements, by instance id.
    cap: a run is cut at so many times the incumbent's cost, but not before the baseline's.
    alpha: the largest probability of dropping a candidate that, measured in full, is no worse than the incumbent.
    block: instances measured between two looks.
    terms: of the domain.
    """

    executor: Executor
    instances: Sequence[Instance]
    seed: int
    reference: Mapping[str, Measurement]
    cap: float = 3.0
    alpha: float = 0.05
    block: int = 4
    terms: Terms = field(default_factory=Terms)
    _bar: Latest[Bar] = field(default_factory=lambda: Latest(1), init=False, repr=False, compare=False)

    async def run(
        self,
        candidate: Candidate,
        incumbent: Trial,
        twin_of: Callable[[tuple[object, ...]], int | None] = lambda _: None,
        *,
        in_full: bool = False,
    ) -> Result:
        """Measure a candidate.

        Args:
            incumbent: what it is raced against, measured on all instances.
            in_full: go on even when it is clearly worse.
            twin_of: finds the trial of an earlier candidate with this signature; one that behaves alike is a duplicate.
        """
        rivals, course = self._bar.of(None, _bar_of, incumbent, self.reference, self.instances, self.terms.span)
        test = WorseTest(course, alpha=self.alpha)
        done: list[Measurement] = []
        log: dict[str, str] = {}
        ended = partial(self._result, incumbent, done, log)
        for start in range(0, len(self.instances), self.block):
            try:
                block = await self.executor.submit(worker.measure, self._tasks(candidate, rivals, start))
            except KillsWorkers as error:
                return ended(TrialState.FAILED, str(error))
            log.update(block.log)
            done += block.measurements
            if block.failure:
                return ended(TrialState.FAILED, block.failure, ran=bool(done))
            if broken := defect(block.measurements):
                return ended(STATE_OF_DEFECT[broken.outcome], f"on an instance of {broken.family}: {broken.reason}")
            if self.terms.by_cpu and (excess := self._cpu_excess(done)) > FORGED:
                reason = f"needs {excess:.1f} times the CPU time per unit of cost that {self.terms.reference} needs"
                return ended(TrialState.FAILED, f"{reason}: do less work in the policy")
            if (twin := twin_of(signature(done))) is not None:
                known = name_of(twin, self.terms)
                said = f"behaves exactly as {known} on {len(done)} instances"
                return ended(TrialState.REJECTED, said, ran=len(done) == len(self.instances))
            for m in block.measurements:
                test.add(log_ratio(m, self.reference[m.instance], self.terms.span))
            if in_full or len(done) == len(self.instances):
                continue
            if test.worse:
                return ended(TrialState.RACED_OUT, f"clearly worse after {len(done)} instances")
        return ended(TrialState.SCORED)

    def _tasks(self, candidate: Candidate, rivals: Mapping[str, Measurement], start: int) -> tuple[worker.Task, ...]:
        return tuple(
            worker.Task(
                candidate=candidate,
                instance=instance,
                seed=self.seed,
                limit=self._limit(rivals[instance.id].cost, self.reference[instance.id].cost),
            )
            for instance in self.instances[start : start + self.block]
        )

    def _limit(self, rival: float, baseline: float) -> int:
        return math.ceil(min(max(rival * self.cap, baseline), baseline * CAP))

    def _cpu_excess(self, done: Sequence[Measurement]) -> float:
        """CPU seconds are noisy and decide nothing else here; this is far beyond noise."""
        return cpu_excess((m, self.reference[m.instance]) for m in done)

    def _result(
        self,
        incumbent: Trial,
        done: Sequence[Measurement],
        log: Mapping[str, str],
        state: TrialState,
        reason: str = "",
        *,
        ran: bool = True,
    ) -> Result:
        sound = [m for m in done if m.outcome.finished]
        return Result(
            state=state,
            reason=reason,
            ratio=geometric_mean_ratio(sound, self.reference, self.terms.span) if sound else None,
            against=incumbent.number if done else None,
            ran=ran,
            measurements=tuple(done),
            log=log,
        )


def _bar_of(incumbent: Trial, reference: Mapping[str, Measurement], instances: Sequence[Instance], span: float) -> Bar:
    rivals = {m.instance: m for m in incumbent.measurements}
    logs = [log_ratio(rivals[i.id], reference[i.id], span) for i in instances]
    return rivals, Course.laid(logs, [i.family for i in instances])
