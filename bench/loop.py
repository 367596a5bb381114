"""Measure what the search itself costs a candidate, with a model and an evaluator that take no time."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import click

from slotforge.bench._command import benchmark, say
from slotforge.bench._result import Result, Table
from slotforge.bench._utilisation import Plan, report
from slotforge.bench._workers import workers
from slotforge.core import registry
from slotforge.search import settings
from slotforge.search.observer import Silent

SIZES = (200, 1_000, 10_000)
LARGE = 100_000
PER_WORKER = 4  # trials under way for each worker: one asks, one is measured, two wait
PER_NODE = 8  # workers of a node of a simulated cluster
BUSY, BUSY_CLUSTER = 0.95, 0.9  # goals
INSTANCES = 10  # four of them are searched on, which is one block of a race


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One search from its first question to its last committed trial.

    cpu_s: of all threads of the process; memory_mb: its peak, with everything that Python imports.
    """

    cpu_s: float
    wall_s: float
    memory_mb: float


@benchmark
@click.option(
    "--trials", multiple=True, type=click.IntRange(1), help="Length; may be repeated. [default: 200, 1000, 10000]"
)
@click.option("--large", is_flag=True, help="Search 100,000 trials as well.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Searches of each length.")
@click.option("--strategy", default="one_plus_lambda", show_default=True)
@click.option("--utilisation", is_flag=True, help="Measure instead how busy worker processes are kept.")
@click.option("--cluster", "nodes", type=click.IntRange(1), help="So many workers of a simulated Ray cluster instead.")
@click.option("--workers", default=8, show_default=True, type=click.IntRange(1), help="Processes, for --utilisation.")
@click.option("--window", "windows", multiple=True, type=click.IntRange(1), help="[default: 4 for each worker]")
@click.option("--model-s", default=2.0, show_default=True, help="Seconds that the model takes.")
@click.option("--evaluation-s", default=2.0, show_default=True, help="Seconds that an evaluation takes.")
@click.option("--spread", default=0.0, show_default=True, help="Share by which these differ, at most.")
@click.option("--tasks", default=16, show_default=True, type=click.IntRange(4), help="Evaluations of each worker.")
def command(trials: tuple[int, ...], large: bool, rounds: int, strategy: str, **busy: Any) -> Result:
    """Measure candidates per second with an instant model and evaluator, or how busy workers are kept.

    Everything else is as in a real search, with the usual settings: strategy, prompts, tuner, racing, duplicates, and
    an SQLite database on disk. Each search runs in a process of its own. With --utilisation or --cluster, model and
    evaluator sleep.
    """
    if busy["utilisation"] or busy["nodes"]:
        return _busy(strategy, **busy)
    registry.load("slotforge.search.strategies", strategy)
    sizes = (trials or SIZES) + ((LARGE,) if large else ())
    taken: dict[int, list[Timing]] = {size: [] for size in sizes}
    for number in range(rounds):
        for size in sizes:
            say(f"round {number + 1} of {rounds}: {size} trials")
            taken[size].append(_apart(size, strategy, number))
    rows = []
    for size, timings in taken.items():
        cpu = median(t.cpu_s for t in timings)
        wall = median(t.wall_s for t in timings)
        rows.append((f"{size:,}", size / cpu, 1000 * cpu / size, size / wall, max(t.memory_mb for t in timings)))
    return Result(
        benchmark="loop",
        settings={
            "strategy": strategy,
            "share of the tuner": settings.TUNE_SHARE,
            "rounds": rounds,
            "instances": INSTANCES,
        },
        tables=(
            Table(
                title="The search with an instant model and evaluator",
                columns=("trials", "candidates per CPU s", "CPU ms per candidate", "candidates per s", "peak MB"),
                rows=tuple(rows),
                note="Medians over the rounds, and the largest peak; the rate should not fall with more trials.",
            ),
        ),
        figures={str(size): [vars(t) for t in timings] for size, timings in taken.items()},
    )


def _busy(
    strategy: str,
    *,
    utilisation: bool,  # noqa: ARG001
    nodes: int | None,
    workers: int,
    windows: tuple[int, ...],
    model_s: float,
    evaluation_s: float,
    spread: float,
    tasks: int,
) -> Result:
    """Measure with processes, or with a simulated cluster."""
    most = nodes or workers
    plans = [
        Plan(
            workers=most,
            window=window,
            model_s=model_s,
            evaluation_s=evaluation_s,
            spread=spread,
            rounds=tasks,
            strategy=strategy,
        )
        for window in windows or (PER_WORKER * most,)
    ]
    if nodes is None:
        return report("loop-utilisation", plans, "process", BUSY)
    from slotforge.search.executors.ray import simulated

    with simulated(*(min(PER_NODE, nodes - first) for first in range(0, nodes, PER_NODE))):
        return report("loop-cluster", plans, "ray", BUSY_CLUSTER)


def _apart(trials: int, strategy: str, seed: int) -> Timing:
    """Search in a fresh process."""
    with workers(1) as pool:
        return pool.submit(search, trials, strategy, seed).result()


def search(trials: int, strategy: str, seed: int) -> Timing:
    """Search a landscape, and time the part between the baseline and the verdict."""
    from slotforge.core.types import Budget, RunConfig
    from slotforge.lineage.store import open_store
    from slotforge.search.discover import Discovery
    from slotforge.testing import landscape

    config = RunConfig(
        domain=landscape.NAME,
        instances=("hills",),
        strategy=strategy,
        budget=Budget(evals=trials),
        executor="inline",
        seed=seed,
        options={"per_family": INSTANCES, "tuned_baseline": False, **settings.usual(None)},
    )
    with (
        tempfile.TemporaryDirectory(prefix="slotforge-bench-") as folder,
        open_store(Path(folder) / "loop.db") as store,
    ):
        watch = _Watch(store.flush)
        Discovery(config=config, store=store, observer=watch).run()
    cpu, wall = (end - start for start, end in zip(*watch.moments[:2], strict=True))
    return Timing(cpu_s=cpu, wall_s=wall, memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@dataclass
class _Watch(Silent):
    """Takes the time when the search begins, and when the stage after it does and all trials are committed."""

    flush: Callable[[], None]
    moments: list[tuple[float, float]] = field(default_factory=list)

    def begin(self, stage: str, total: int | None) -> None:  # noqa: ARG002
        """Take the time from the search on."""
        if self.moments or stage == "searching":
            self.flush()
            self.moments.append((time.process_time(), time.perf_counter()))
