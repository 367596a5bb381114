"""How busy a search keeps its evaluators while the model thinks, and how old decisions are when they are told of."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from slotforge.bench._command import say
from slotforge.bench._result import Result, Table
from slotforge.core import registry
from slotforge.core.types import Budget, Call, Request, RunConfig, Trial

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Archive, Executor, Strategy
    from slotforge.search.loop import Search
    from slotforge.search.proposers.dialogue import Dialogue

Span = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured.

    model_s, evaluation_s: seconds that an answer and an evaluation take on average.
    spread: the share of it by which either is longer or shorter at most.
    rounds: evaluations of each worker.
    """

    workers: int
    window: int
    model_s: float
    evaluation_s: float
    spread: float
    rounds: int
    strategy: str

    @property
    def trials(self) -> int:
        """Trials of the search."""
        return self.workers * self.rounds


@dataclass(kw_only=True)
class Kept:
    """A strategy, and when each trial was asked for and told of, counted in trials that were told before."""

    inner: Strategy
    age: list[int] = field(default_factory=list)
    _asked: list[int] = field(default_factory=list)
    _told: int = 0

    @property
    def operators(self) -> Sequence[str]:
        """Those of the strategy."""
        return self.inner.operators

    def ask(self, archive: Archive, rng: Generator) -> Request:
        """Ask, and note how many trials were known."""
        self._asked.append(self._told)
        return self.inner.ask(archive, rng)

    def tell(self, archive: Archive, trial: Trial) -> None:
        """Tell, and note how many trials have been told since this one was asked for."""
        self.age.append(self._told - self._asked[trial.number - 1])
        self._told += 1
        self.inner.tell(archive, trial)


def utilisation(busy: Sequence[Span], span: Span, workers: int) -> float:
    """Return the share of the workers' time within a span in which they were busy."""
    began, ended = span
    within = sum(max(0.0, min(b, ended) - max(a, began)) for a, b in busy)
    return within / (workers * (ended - began))


def steady(busy: Sequence[Span], asked_last: float, workers: int) -> Span:
    """Return when a search was neither warming up nor running dry.

    It begins once as many evaluations as there are workers have ended, and ends when the last question was put.
    """
    return sorted(end for _, end in busy)[workers - 1], asked_last


def measure(plan: Plan, executor: str) -> tuple[float, list[int], Span]:
    """Search, and return utilisation, the ages of decisions and the span that was looked at."""
    made: Executor = registry.load("slotforge.search.executors", executor).executor(plan.workers)
    try:
        return asyncio.run(_measure(plan, made))
    finally:
        made.close()


async def _measure(plan: Plan, executor: Executor) -> tuple[float, list[int], Span]:
    from slotforge.lineage.store import open_store
    from slotforge.search import worker
    from slotforge.testing import sleepy

    domain = worker.domain(sleepy.NAME)
    family = sleepy.Length(seconds=plan.evaluation_s, spread=plan.spread).spec
    config = RunConfig(domain=sleepy.NAME, instances=(family,), budget=Budget(evals=plan.trials))
    suite = domain.suite((family,), seed=0, options={"per_family": 1})  # one instance: an evaluation is one call
    with tempfile.TemporaryDirectory(prefix="slotforge-bench-") as folder, open_store(Path(folder) / "u.db") as store:
        run = store.create_run(config, suite, domain.environment())
        asked: list[float] = []
        search, kept = await _search(plan, executor, run, store, asked)
        say(f"{plan.trials} trials with {plan.workers} workers, window {plan.window}")
        await search.run()
        trials = store.trials(run)
    busy = [(m.stats["began_s"], m.stats["ended_s"]) for n, t in trials.items() if n > 0 for m in t.measurements]
    span = steady(busy, asked[-1], plan.workers)
    return utilisation(busy, span, plan.workers), kept.age, span


async def _search(plan: Plan, executor: Executor, run: str, store: object, asked: list[float]) -> tuple[Search, Kept]:
    """Make the search, with the baseline measured; every worker has had a task, so that none is still starting."""
    import time

    from slotforge.search import stages, strategies, worker
    from slotforge.search.archive import Archive
    from slotforge.search.budget import Ledger
    from slotforge.search.loop import Search
    from slotforge.search.observer import Silent
    from slotforge.search.proposers.dialogue import Dialogue
    from slotforge.search.proposers.offline import Offline
    from slotforge.search.race import Race
    from slotforge.testing import sleepy

    domain, silent = worker.domain(sleepy.NAME), Silent()
    suite = store.run(run).suite  # type: ignore[attr-defined]
    await asyncio.gather(*(executor.submit(time.sleep, 1.0) for _ in range(2 * plan.workers)))
    bench = stages.Bench(domain=domain, executor=executor, observer=silent, seed=0, limit=None)
    baseline = await stages.baseline_trial(bench, run, suite.search)
    model = sleepy.SleepyModel(inner=Offline(domain), length=sleepy.Length(seconds=plan.model_s, spread=plan.spread))

    def open_dialogue(number: int, request: Request, archive: Archive, record: Callable[[Call], None]) -> Dialogue:
        asked.append(time.monotonic())
        return Dialogue.open(
            proposer=model, request=request, domain=domain, archive=archive, number=number, seed=0, record=record
        )

    kept = Kept(inner=strategies.make(plan.strategy))
    search = Search(
        run_id=run,
        seed=0,
        domain=domain,
        archive=Archive(slots=tuple(domain.slots()), baseline=baseline, horizon=plan.trials),
        strategy=kept,
        open_dialogue=open_dialogue,
        race=Race(
            executor=executor,
            instances=suite.search,
            seed=0,
            reference={m.instance: m for m in baseline.measurements},
            terms=domain.terms,
        ),
        store=store,  # type: ignore[arg-type]
        budget=Ledger(Budget(evals=plan.trials)),
        observer=silent,
        window=plan.window,
    )
    return search, kept


def report(name: str, plans: Sequence[Plan], executor: str, goal: float) -> Result:
    """Measure each plan, and hold it against the goal."""
    rows, figures = [], {}
    for plan in plans:
        share, ages, (began, ended) = measure(plan, executor)
        rows.append(
            (str(plan.workers), plan.window, f"{100 * share:.1f} %", f"{mean(ages):.1f}", max(ages), plan.window)
        )
        figures[f"window {plan.window}"] = {
            "utilisation": share,
            "span_s": ended - began,
            "trials": plan.trials,
            "staleness": {"mean": mean(ages), "max": max(ages), "bound": plan.window},
        }
    first = plans[0]
    return Result(
        benchmark=name,
        settings={
            "executor": executor,
            "model": f"{first.model_s} s",
            "evaluation": f"{first.evaluation_s} s",
            "spread": first.spread,
            "strategy": first.strategy,
        },
        tables=(
            Table(
                title="Evaluators kept busy",
                columns=("workers", "window", "utilisation", "staleness, mean", "most", "bound"),
                rows=tuple(rows),
                note=f"In the steady state; the goal is {goal:.0%}. Staleness: trials told between the question of a "
                "trial and its end, which its parents could not know of.",
            ),
        ),
        figures=figures,
    )
