"""Measure two solvers side by side on instances that neither was chosen on, with every answer proved."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from slotforge.core import registry
from slotforge.core.comparison import Held, Pair, Verdict
from slotforge.core.errors import SlotforgeError, Unfit, UnknownId, UsageError
from slotforge.core.seams import Executor
from slotforge.core.types import CAP, Candidate, Instance, Measurement, Outcome, Suite
from slotforge.search import named_suites, tuned_control, worker
from slotforge.search.observer import Observer, Silent, warn
from slotforge.search.report import Control, refuted
from slotforge.search.verdict import too_few, verdict

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore

Result = TypeVar("Result")


def run_pair(
    candidate: Candidate, against: Candidate, instance: Instance, seed: int, limit: float | None, candidate_first: bool
) -> worker.Block:
    """Run two deployment builds one after the other on one instance; runs on a worker.

    Whichever goes first has the domain's limit, or `limit`; the other may use CAP times what the first one needed.
    The other runs as well where the first one fails, so that what becomes of a pair does not hang on who goes first.

    Returns:
        The measurements of the candidate and of what it is compared to, in this order.
    """

    def run(one: Candidate, most: float | None) -> worker.Block:
        return worker.measure(
            (worker.Task(candidate=one, instance=instance, seed=seed, limit=most, prove=True, fused=True),)
        )

    order = (candidate, against) if candidate_first else (against, candidate)
    first = run(order[0], limit)
    if first.failure:
        return first
    second = run(order[1], _limit_beside(first.measurements[0], limit))
    both = first.measurements + second.measurements
    return worker.Block(measurements=both if candidate_first else both[::-1], failure=second.failure)


def _limit_beside(first: Measurement, limit: float | None) -> float | None:
    if not first.outcome.finished:
        return limit
    return first.cost if first.outcome is Outcome.LIMIT else math.ceil(first.cost * CAP)


def left_out(instance: Instance, run: Measurement, by: str = "the baseline") -> str:
    """Say that an instance is of no use, because what candidates are compared to does not solve it."""
    why = " within its limit" if run.outcome is Outcome.LIMIT else f": {run.reason}"
    return f"{instance.name}: not solved by {by}{why}, left out"


class Refuted(Unfit):
    """The candidate of a pair gave a wrong answer, or failed on what the other solver came to an end on."""

    def __init__(self, pair: Pair, instance: str) -> None:
        run = pair.candidate
        what = f"candidate {run.candidate} is refuted"
        super().__init__(f"{what}: {run.outcome.upper()} on {instance}: {run.reason}")
        self.pair = pair
        self.facts = {"why": str(self), **run.model_dump(mode="json")}

    def held(self, candidate: Candidate, against: Candidate, instances: int, environment: Mapping[str, str]) -> Held:
        """Return what is to be kept of it: a verdict with the pair.

        Args:
            instances: that the candidate was to be judged on.
        """
        told = refuted(instances, str(self))
        return Held(candidate=candidate, against=against, verdict=told, pairs=(self.pair,), environment=environment)


def unless_contradicted(run: Measurement, other: Measurement) -> Measurement:
    """Take a run for wrong where nothing confirms its answer, and another answer is confirmed by the other run."""
    both = run.outcome is other.outcome is Outcome.SOLVED
    if not both or run.evidence or not other.evidence or run.answer == other.answer:
        return run
    reason = f"answered {run.answer}, but it is {other.answer}"
    return run.model_copy(update={"outcome": Outcome.WRONG, "reason": reason})


async def all_or_none(jobs: Sequence[Coroutine[None, None, Result]]) -> list[Result]:
    """Wait for all jobs; when one fails, end the others before that is told."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure_pairs(
    executor: Executor,
    candidate: Candidate,
    against: Candidate,
    instances: Sequence[Instance],
    *,
    seeds: Sequence[int],
    limit: float | None = None,
    observer: Observer | None = None,
) -> list[Pair]:
    """Measure all instances with all seeds; which solver goes first alternates.

    A pair in which what is compared to crashes, hangs or is too large for the machine is left out, with a note.

    Args:
        observer: takes a step for each pair.

    Raises:
        Refuted: an answer of the candidate was refuted, or it failed where what it is compared to did not.
        SlotforgeError: a build failed, or the solver that it is compared to was itself refuted.
    """
    watching = observer or Silent()

    async def pair(place: int, instance: Instance, seed: int) -> Pair:
        first = bool(place % 2)
        block = await executor.submit(run_pair, candidate, against, instance, seed, limit, first)
        watching.step()
        if block.failure:
            raise Unfit(f"the build failed: {block.failure}")
        own, other = map(unless_contradicted, block.measurements, block.measurements[::-1])
        if own.outcome is Outcome.WRONG or (other.outcome.finished and not own.outcome.finished):
            raise Refuted(Pair(candidate=own, against=other, candidate_first=first), instance.name)
        if other.outcome is Outcome.WRONG:
            told = f"{other.outcome} on {instance.name}: {other.reason}"
            raise SlotforgeError(f"{against.id}, which is compared to, fails itself: {told}")
        return Pair(candidate=own, against=other, candidate_first=first)

    jobs = [pair(i + s, instance, seed) for s, seed in enumerate(seeds) for i, instance in enumerate(instances)]
    pairs = await all_or_none(jobs)
    failed = {p.against.instance: p.against for p in pairs if not p.against.outcome.finished}
    by = against.id if against.slots else "the baseline"
    for instance in instances:
        if instance.id in failed:
            watching.note(left_out(instance, failed[instance.id], by))
    return [p for p in pairs if p.against.outcome.finished]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a confirmation ends with.

    controls: what the candidate must be held against, on the same instances.
    run: of the candidate, if there is one.
    kept: verdicts that are evidence, and so are to be kept: on the candidate, and on its controls.
    """

    verdict: Verdict
    controls: Mapping[str, Control]
    run: str | None = None
    kept: tuple[Held, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """A candidate that is to be held against another on instances that its search has not seen.

    specs: folders, files or families.
    seed: of generated instances, and the first one of the solvers.
    per_family: instances to generate of each family; None is what the domain takes.
    twins: measure on shuffled twins of the instances.
    seeds: with how many seeds each instance is run.
    limit: of the cost of a run; None is the domain's own.
    workers: measurements at once.
    tuned_baseline: where it is held against the baseline, hold the tuned baseline of its search against that as well.
    """

    candidate: Candidate
    against: Candidate
    specs: tuple[str, ...]
    seed: int
    per_family: int | None = None
    twins: bool = False
    seeds: int = 1
    limit: float | None = None
    workers: int = 2
    executor: str = "process"
    tuned_baseline: bool = True
    observer: Observer = field(default_factory=Silent)

    def run(self, store: SqlStore) -> Judgement:
        """Measure, judge, and keep the verdicts in the store, unless instances were twins or opened before."""
        judgement = self.judge(store)
        if judgement.kept:
            store.record_verdict(judgement.run, *judgement.kept)
        return judgement

    def judge(self, store: SqlStore) -> Judgement:
        """Measure and judge; what is to be kept is left to the caller.

        Raises:
            Refuted: the candidate gave a wrong answer, crashed or hung; the store has the verdict, and an event of its
                run.
            UsageError: nothing to compare, a source that the domain refuses, a slot that has no part
                in the instances, or no instance that is unseen.
        """
        from slotforge.lineage.confirmed import runs_behind
        from slotforge.lineage.refutations import refutations

        if self.candidate.domain != self.against.domain or self.candidate.id == self.against.id:
            raise UsageError(f"{self.candidate.id} cannot be held against {self.against.id}: choose another one")
        for one in (self.candidate, self.against):
            self._checked(one)
        runs = self._runs(store)
        behind = {*runs, *runs_behind(store, self.candidate.id), *runs_behind(store, self.against.id)}
        instances, again = self._unseen(self._collect(store), [store.run(run).suite for run in sorted(behind)])
        known = tuned_control.of_runs(store, runs) if self.tuned_baseline and not self.against.slots else None
        control = self._fit(known.candidate) if known else None
        try:
            pairs, beside = self._measure(instances, control)
        except Refuted as error:
            where = worker.domain(self.candidate.domain).environment()
            own = None if self.against.slots else next(iter(runs), None)
            store.record_verdict(own, error.held(self.candidate, self.against, len(instances), where))
            if runs:
                store.record_event(runs[0], "refuted", error.facts)
            raise
        if unsolved := sum(p.candidate.outcome is p.against.outcome is Outcome.LIMIT for p in pairs):
            self.observer.note(
                f"{unsolved} of {len(pairs)} pairs: solved by neither within the limit, counted as equal"
            )
        with store.reading() as connection:
            if refutations(connection, [self.candidate.id]):
                self.observer.note(f"{self.candidate.id} was refuted before: whatever is found now, it stays so")
        held = [self._held(store, self.candidate, pairs)]
        if control and beside:
            held.append(self._held(store, control, beside).model_copy(update={"control": True}))
        shown = self._control(known.figures, known.candidate, held) if known else None
        judgement = Judgement(verdict=held[0].verdict, controls={tuned_control.KIND: shown} if shown else {})
        if self.twins:
            self.observer.note("on shuffled twins: shown, and not kept among the verdicts on unseen instances")
            return judgement
        if again:
            self.observer.note("not kept among the verdicts on unseen instances: give others for that")
            return judgement
        first = known.run if known else next(iter(runs), None)
        own = None if self.against.slots else first
        return replace(judgement, run=own, kept=tuple(held))

    def _fit(self, control: Candidate) -> Candidate | None:
        """Return a control if it is to be measured: it has slots, is no double, and may run and has a part here."""
        if not control.slots or control == self.candidate:
            return None
        try:
            self._checked(control)
        except UsageError as error:
            self.observer.note(f"the tuned baseline of its search is left out: {error}")
            return None
        return control

    def _checked(self, one: Candidate) -> None:
        """Refuse what the domain refuses, and what would be measured without a part of it."""
        if refusal := worker.domain(one.domain).check(one):
            raise UsageError(f"{one.id} is not to be run: {refusal}")
        self._placed(one)

    def _held(self, store: SqlStore, candidate: Candidate, pairs: Sequence[Pair]) -> Held:
        domain = worker.domain(candidate.domain)
        failed = store.not_better(candidate.id, self.against.id, pairs)
        return Held(
            candidate=candidate,
            against=self.against,
            verdict=verdict(pairs, by_cpu=domain.terms.by_cpu, failed=failed),
            pairs=tuple(pairs),
            environment=domain.environment(),
        )

    def _control(self, known: Control, candidate: Candidate, held: Sequence[Held]) -> Control | None:
        """Return the figures of a control here; those that are known where it is the baseline; None where it failed."""
        if not candidate.slots:
            return known
        measured = {one.candidate.id: one.verdict for one in held}
        return Control.of(candidate, known.name, measured[candidate.id]) if candidate.id in measured else None

    def _placed(self, one: Candidate) -> None:
        """Refuse what would be measured without a part of it; where there is one slot alone, it has a part."""
        domain = worker.domain(one.domain)
        if len(domain.slots()) == 1:
            return
        sensible = domain.searched(self.specs)
        if idle := sorted(set(one.slots) - set(sensible)):
            where, known = ", ".join(self.specs), ", ".join(sensible)
            raise UsageError(f"{one.id}: slot {idle[0]} has no part in {where}: give other problems (there: {known})")

    def _collect(self, store: SqlStore) -> Suite:
        self.observer.begin("reading the instances", None)
        domain = worker.domain(self.candidate.domain)
        options: dict[str, int] = {"holdout_only": True, "twins": self.twins}
        if self.per_family is not None:
            options["per_family"] = self.per_family
        suite = named_suites.collect(store, domain, self.specs, seed=self.seed, options=options)
        warn(self.observer, suite.warnings)
        return suite

    def _runs(self, store: SqlStore) -> tuple[str, ...]:
        """Name the runs that tried the candidate; it may come from elsewhere."""
        from slotforge.lineage import queries

        try:
            trials = queries.show_candidate(store, self.candidate.id).trials
        except UnknownId:
            return ()
        return tuple(dict.fromkeys(trial.run for trial in trials))

    def _unseen(self, suite: Suite, searched: Sequence[Suite]) -> tuple[list[Instance], int]:
        """Leave out what either, or an ancestor, was scored or chosen on, and count what was holdout already."""
        seen = {i.id for one in searched for i in one.search + one.select}
        opened = {i.id for one in searched for i in one.holdout}
        left = [i for i in suite.holdout if i.id not in seen]
        if gone := len(suite.holdout) - len(left):
            self.observer.note(f"seen by the search: {gone} of {len(suite.holdout)} instances left out")
        if again := sum(i.id in opened for i in left):
            self.observer.note(f"{again} instances were the holdout of its run already: they are no new evidence")
        if not left:
            raise UsageError("the search has seen all of these instances: give others, or another --seed")
        for warning in too_few(len(left)):
            self.observer.note(warning)
        return left, again

    def _measure(
        self, instances: Sequence[Instance], control: Candidate | None
    ) -> tuple[list[Pair], list[Pair] | None]:
        """Measure the candidate, and then a control, which may fail."""
        memory_mb = worker.domain(self.candidate.domain).memory_mb
        executor = registry.load("slotforge.search.executors", self.executor).executor(self.workers, memory_mb)

        async def both() -> tuple[list[Pair], list[Pair] | None]:
            self.observer.begin("measuring side by side, every answer verified", len(instances) * self.seeds)
            pairs = await self._pairs(executor, self.candidate, instances)
            ended = {pair.against.instance for pair in pairs}
            left = [instance for instance in instances if instance.id in ended]
            if control is None or not left:
                return pairs, None
            self.observer.begin("measuring the tuned baseline of its search as well", len(left) * self.seeds)
            try:
                return pairs, await self._pairs(executor, control, left)
            except Unfit as error:
                self.observer.note(f"the tuned baseline {control.id} could not be measured: {error}")
                return pairs, None

        try:
            return asyncio.run(both())
        finally:
            executor.close()

    async def _pairs(self, executor: Executor, candidate: Candidate, instances: Sequence[Instance]) -> list[Pair]:
        return await measure_pairs(
            executor,
            candidate,
            self.against,
            instances,
            seeds=range(self.seed, self.seed + self.seeds),
            limit=self.limit,
            observer=self.observer,
        )
