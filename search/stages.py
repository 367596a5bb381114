"""The stages around a search: baseline before it; selection, controls and holdout after it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from slotforge.core.comparison import Held, Pair
from slotforge.core.errors import KillsWorkers, Unfit
from slotforge.core.seams import Domain, Executor
from slotforge.core.types import CAP, Candidate, Instance, Measurement, Outcome, Trial, TrialState
from slotforge.search import worker
from slotforge.search.confirm import left_out, measure_pairs
from slotforge.search.observer import Observer
from slotforge.search.racing import defect, geometric_mean_ratio
from slotforge.search.report import NOTHING_LEFT, nothing_tested
from slotforge.search.verdict import verdict

FINALISTS = 5
ENOUGH_PAIRS = 24  # with fewer holdout instances, each is run with several seeds

Selection = dict[int, Sequence[Measurement]]  # by number of trial; the baseline's is 0


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Measures for the stages of one run."""

    domain: Domain
    executor: Executor
    observer: Observer
    seed: int
    limit: float | None

    async def measure(
        self,
        candidate: Candidate,
        instances: Sequence[Instance],
        *,
        limits: Mapping[str, float] | None = None,
        prove: bool = False,
    ) -> list[Measurement]:
        """Run a candidate on every instance.

        Raises:
            Unfit: it cannot be built, is refuted, or fails; only the baseline may fail, on an instance that
                is too large for the machine or for the time that its limit allows.
        """
        tasks = [
            worker.Task(
                candidate=candidate,
                instance=instance,
                seed=self.seed,
                limit=limits[instance.id] if limits else self.limit,
                prove=prove,
            )
            for instance in instances
        ]
        done: list[Measurement] = []
        blocks = await asyncio.gather(*(self._one(task) for task in tasks))
        for instance, block in zip(instances, blocks, strict=True):
            if block.failure:
                raise Unfit(block.failure)
            broken = defect(block.measurements)
            if broken and (candidate.slots or broken.outcome is Outcome.WRONG):
                raise Unfit(f"{broken.outcome} on {instance.name}: {broken.reason}")
            done += block.measurements
        return done

    async def unfit(self, trial: Trial, instance: Instance) -> str:
        """Say why the deployment build of a candidate fails; empty when it does not."""
        assert trial.candidate is not None
        task = worker.Task(candidate=trial.candidate, instance=instance, seed=self.seed, limit=1, fused=True)
        try:
            return (await self.executor.submit(worker.measure, (task,))).failure
        except KillsWorkers as error:
            return str(error)

    async def _one(self, task: worker.Task) -> worker.Block:
        block = await self.executor.submit(worker.measure, (task,))
        self.observer.step()
        return block


async def baseline_trial(bench: Bench, run_id: str, instances: Sequence[Instance]) -> Trial:
    """Measure the baseline on the search split, with proofs, so that the answers become known; trial 0."""
    bench.observer.begin("measuring the baseline", len(instances))
    baseline = Candidate(domain=bench.domain.name)
    measurements = await bench.measure(baseline, instances, prove=True)
    return Trial(
        run=run_id,
        number=0,
        operator="baseline",
        slots=(),
        parents=(),
        candidate=baseline,
        state=TrialState.SCORED,
        ratio=1.0,
        instances=len(measurements),
        cpu_s=sum(m.cpu_s for m in measurements),
        measurements=tuple(measurements),
    )


def usable(
    instances: Sequence[Instance], reference: Mapping[str, Measurement], observer: Observer, *, least: float
) -> list[Instance]:
    """Keep the instances that the baseline solved and that are not trivial, with the answers that were verified.

    least: a cost of the baseline below which an instance is trivial.
    """
    kept: list[Instance] = []
    for instance in solved(instances, reference, observer):
        if reference[instance.id].cost < least:
            observer.note(f"{instance.name}: solved by the baseline at once, left out")
        else:
            kept.append(instance)
    return kept


def solved(instances: Sequence[Instance], reference: Mapping[str, Measurement], observer: Observer) -> list[Instance]:
    """Keep the instances that the baseline solved, with the answers that were verified, and name the others."""
    kept: list[Instance] = []
    for instance in instances:
        m = reference[instance.id]
        if m.outcome is Outcome.SOLVED:
            kept.append(instance.model_copy(update={"status": m.answer} if m.evidence else {}))
        else:
            observer.note(left_out(instance, m))
    return kept


async def choose(
    bench: Bench,
    finalists: Sequence[Trial],
    instances: Sequence[Instance],
    *,
    bar: float = 1.0,
    baseline: Sequence[Measurement] | None = None,
) -> tuple[tuple[Trial, float | None] | None, Selection]:
    """Measure the finalists on the select split.

    Measuring again on unseen instances takes the luck out of having been the best of many.

    Args:
        bar: a ratio that must be beaten.
        baseline: what it did on these instances, where that is known.

    Returns:
        The best with its ratio, if any is below the bar, and all measurements; where none of the instances can be
        measured, the first finalist and no ratio.
    """
    runs = len(finalists) + (baseline is None)
    bench.observer.begin("choosing among the finalists on unseen instances", len(instances) * runs)
    if baseline is None:
        baseline = await bench.measure(Candidate(domain=bench.domain.name), instances, prove=True)
    selection: Selection = {0: baseline}
    reference = {m.instance: m for m in selection[0]}
    left = solved(instances, reference, bench.observer)
    if not left:
        bench.observer.note("no instance of the select split is left: the best of the search is taken")
        return ((finalists[0], None) if finalists else None), selection
    limits = {i.id: math.ceil(reference[i.id].cost * CAP) for i in left}
    scores: list[tuple[float, int, Trial]] = []
    for trial in finalists:
        assert trial.candidate is not None
        try:
            measured = await bench.measure(trial.candidate, left, limits=limits)
        except Unfit as error:
            bench.observer.note(f"trial {trial.number} failed on the select split: {error}")
            continue
        selection[trial.number] = measured
        ratio = geometric_mean_ratio(measured, reference, bench.domain.terms.span)
        scores.append((ratio, trial.number, trial))
    for ratio, _, trial in sorted(scores, key=lambda score: score[:2]):
        if ratio >= bar:
            break
        if not (failure := await bench.unfit(trial, left[0])):
            return (trial, ratio), selection
        bench.observer.note(f"trial {trial.number} cannot be deployed: {failure}")
    return None, selection


async def holdout(
    bench: Bench,
    winner: Candidate,
    instances: Sequence[Instance],
    *,
    what: str = "the winner",
    looks: Callable[[str, str, Sequence[Pair]], int] = lambda *_: 0,
) -> Held:
    """Hold the winner against the baseline on the holdout split: deployment builds side by side, answers proved.

    Args:
        looks: counts the earlier verdicts that found nothing better, see `core.seams.Store.not_better`.
    """
    seeds = [bench.seed + s for s in range(1 if len(instances) >= ENOUGH_PAIRS else 3)]
    bench.observer.begin(f"holding {what} against the baseline on unseen instances", len(instances) * len(seeds))
    baseline = Candidate(domain=bench.domain.name)
    pairs = await measure_pairs(
        bench.executor,
        winner,
        baseline,
        instances,
        seeds=seeds,
        limit=bench.limit,
        observer=bench.observer,
    )
    failed = looks(winner.id, baseline.id, pairs)
    by_cpu = bench.domain.terms.by_cpu
    found = verdict(pairs, by_cpu=by_cpu, failed=failed) if pairs else nothing_tested(NOTHING_LEFT)
    where = bench.domain.environment()
    return Held(candidate=winner, against=baseline, verdict=found, pairs=tuple(pairs), environment=where)


async def control(
    bench: Bench, name: str, candidate: Candidate, instances: Sequence[Instance], *, what: str
) -> Held | None:
    """Hold a control against the baseline on the same terms as the winner; None, with a note, when it fails."""
    try:
        held = await holdout(bench, candidate, instances, what=what)
        return held.model_copy(update={"control": True})
    except Unfit as error:
        bench.observer.note(f"the control {name} could not be measured: {error}")
        return None
