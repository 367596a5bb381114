"""A search of a real domain for a comparison: the main job from the instances to the verdict, in a store of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slotforge.bench import _cpu
from slotforge.bench._cells import Cell, Job, Step
from slotforge.core.types import Budget, RunConfig, Trial
from slotforge.lineage.queries import usage
from slotforge.lineage.store import open_store
from slotforge.search.archive import Archive
from slotforge.search.discover import Discovery
from slotforge.search.observer import Silent
from slotforge.search.report import Report

EXECUTOR, WORKERS = "inline", 1  # cells run side by side instead


@dataclass(repr=False)
class Watch(Silent):
    """Follows the best so far, by its ratio on the search split; calls are counted when all is over."""

    steps: list[Step] = field(default_factory=list)
    cpu_s: float = 0.0
    _best: Trial | None = None

    def told(self, trial: Trial, archive: Archive) -> None:
        """Take a step from where the search begins, and where there is a new best."""
        if self._best is None:
            self._step(0, archive.seeds[0])
        self.cpu_s += trial.cpu_s
        if archive.best_so_far is not self._best:
            self._step(trial.number, archive.best_so_far)

    def _step(self, number: int, best: Trial) -> None:
        self._best = best
        assert best.ratio is not None
        self.steps.append(Step(trials=number, calls=0, cpu_s=self.cpu_s, value=best.ratio))


def run(job: Job) -> Cell:
    """Search once; what counts is the winner's ratio on the holdout split, or that of what the search began from.

    Every search begins from the default, with no built-in policies and no share for numbers, so that strategies alone
    are compared.
    """
    config = RunConfig(
        domain=job.domain,
        instances=(job.problem,),
        strategy=job.strategy,
        model=job.model,
        budget=Budget(evals=job.budget),
        seed=job.seed,
        executor=EXECUTOR,
        workers=WORKERS,
        options={"start": "default", "tuned_baseline": False},
    )
    watch = Watch()
    with tempfile.TemporaryDirectory(prefix="slotforge-bench-") as folder, open_store(Path(folder) / "s.db") as store:
        before = _cpu.spent()
        report = Discovery(config=config, store=store, observer=watch).run()
        cpu = _cpu.since(before)
        spent = usage(store, report.run)
        calls = {number: len(made) for number, made in store.all_calls(report.run).items()}
    return Cell(
        job=job,
        value=value(report),
        steps=tuple(step.model_copy(update={"calls": _until(step.trials, calls)}) for step in watch.steps),
        trials=report.trials,
        calls=sum(calls.values()),
        tokens=spent.tokens,
        usd=spent.usd,
        evaluation_cpu_s=watch.cpu_s,
        own_cpu_s=cpu.own_s,
        started_cpu_s=cpu.started_s,
    )


def value(report: Report) -> float:
    """Return the ratio of what a search ends with: its winner, or what it began from, which is 1 for the baseline."""
    if report.holdout is not None and report.holdout.instances > 0:
        return report.holdout.ratio
    begun = report.controls.get("best_builtin")  # nothing else was raced
    return begun.ratio if begun else 1.0


def _until(number: int, calls: Mapping[int, int]) -> int:
    """Count the calls of the trials up to a number."""
    return sum(count for of, count in calls.items() if of <= number)
