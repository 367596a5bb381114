"""Measure what the sandbox adds to the start of a process."""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from statistics import median, quantiles

import click

from slotforge.bench._command import benchmark
from slotforge.bench._result import Cell, Result, Table
from slotforge.core.errors import UsageError
from slotforge.solvers import sandbox

LIMITS = sandbox.Limits(cpu_s=5, wall_s=30, memory_mb=256)
ABOVE = "above bare"


@benchmark
@click.option("--pairs", default=200, show_default=True, type=click.IntRange(4), help="Starts of each kind, in turns.")
def command(pairs: int) -> Result:
    """Measure start to end of `true`, bare and in the sandbox under profile run, in turns."""
    program = shutil.which("true")
    if program is None:
        raise UsageError("there is no program 'true' on PATH")
    kinds: dict[str, Callable[[], object]] = {
        "bare": lambda: subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, check=True),
        "sandbox": lambda: sandbox.run([program], profile="run", limits=LIMITS),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    level = sandbox.level()
    for number in range(pairs + 1):
        for name in list(kinds)[:: 1 if number % 2 else -1]:
            seconds = _time(kinds[name])
            if number:  # the first pair fills the caches
                taken[name].append(seconds)
    both = zip(taken["bare"], taken["sandbox"], strict=True)
    above = [(inside[0] - bare[0], inside[1] - bare[1]) for bare, inside in both]
    series: dict[str, list[tuple[float, float]]] = {**taken, ABOVE: above}
    return Result(
        benchmark="sandbox",
        settings={"pairs": pairs, "level": level.number, "layers": ", ".join(level.layers)},
        tables=(
            Table(
                title="Start to end of `true`, milliseconds",
                columns=("", "wall, fastest tenth", "wall, median", "quartiles", "CPU, median"),
                rows=tuple(_row(name, values) for name, values in series.items()),
                note="The last row is of the paired differences. On a busy machine the fastest tenth tells most.",
            ),
        ),
        figures=series,
    )


def _row(name: str, values: list[tuple[float, float]]) -> tuple[Cell, ...]:
    wall, cpu = ([1000 * value for value in series] for series in zip(*values, strict=True))
    low, _, high = quantiles(wall, n=4)
    fastest = None if name == ABOVE else round(quantiles(wall, n=10)[0], 2)
    return name, fastest, round(median(wall), 2), f"{low:.2f} to {high:.2f}", round(median(cpu), 2)


def _time(start: Callable[[], object]) -> tuple[float, float]:
    """Take wall and CPU seconds, the latter of this process and of all that it waits for."""
    before = time.perf_counter(), time.process_time() + _children()
    start()
    return time.perf_counter() - before[0], time.process_time() + _children() - before[1]


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
