"""Measure what the boundary between engine and policies costs: the same search with plug-ins, built-in and fused."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median, stdev

import click

from slotforge.bench._command import benchmark, say
from slotforge.bench._result import Result, Table, content
from slotforge.core.types import Instance
from slotforge.solvers.sat.build import Builder, engine
from slotforge.solvers.sat.instances import collect
from slotforge.solvers.sat.slot import slots

FAMILIES = ("miter", "ksat:230", "tseitin:30", "coloring", "factoring")
FUSED = "fused"


@benchmark
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(2))
@click.option("--instances", multiple=True, help="Folder, file or family; may be repeated. [default: 5 families]")
@click.option("--per-family", default=1, show_default=True, type=click.IntRange(1))
@click.option(
    "--ticks", default=60_000_000, show_default=True, type=click.IntRange(1), help="Length of a search at most."
)
def command(rounds: int, instances: tuple[str, ...], per_family: int, ticks: int) -> Result:
    """Measure CPU time of one search with three builds of the same policies, the defaults of all slots.

    "plug-in": each policy is a shared object of its own, as a candidate is in a search; "built-in": policies are part
    of the engine's program, behind the same boundary; "fused": policies are compiled into the engine, as a solver that
    is deployed is. Ticks must be equal. Builds take turns.
    """
    from slotforge.core.home import home

    say("building")
    builder = Builder(home() / "builds")
    policies = {slot: known.default for slot, known in slots().items()}
    plugins = [f"--slot={slot}={builder.plugin(slot, source)}" for slot, source in policies.items()]
    plugins += builder.parameter_arguments(policies)
    builds = {
        "plug-in": [str(engine()), *plugins],
        "built-in": [str(engine())],
        FUSED: [str(builder.fused({}))],
    }
    suite = collect(instances or FAMILIES, seed=0, per_family=max(3, per_family))
    chosen = _first(suite.search + suite.select + suite.holdout, per_family)
    seconds: dict[str, dict[str, list[float]]] = {i.name: {name: [] for name in builds} for i in chosen}
    errors: list[str] = []
    for number in range(rounds):
        for instance in chosen:
            counted = {}
            for name in _turned(list(builds), number):
                cpu_s, counted[name] = _solve(builds[name], Path(instance.path), ticks)
                seconds[instance.name][name].append(cpu_s)
            if len(set(counted.values())) > 1:
                ticked = {name: counted[name] for name in builds}
                errors.append(f"{instance.name}: the builds do not search alike: {ticked} ticks")
        say(f"round {number + 1} of {rounds}")
    settings: dict[str, int | str] = {"rounds": rounds, "ticks": ticks, "engine": content(engine())}
    return report(seconds, settings, tuple(dict.fromkeys(errors)))


def report(
    seconds: Mapping[str, Mapping[str, Sequence[float]]], settings: Mapping[str, int | str], errors: tuple[str, ...]
) -> Result:
    """Compare with the fused build, by instance and over all."""
    names = list(next(iter(seconds.values())))
    overall = []
    for name in names:
        if name != FUSED:
            pairs = [(one[name], one[FUSED]) for one in seconds.values()]
            ratio, low, high = interval(pairs)
            overall.append((name, ratio, f"{low:.3f} to {high:.3f}", f"{100 * (ratio - 1):+.1f} %"))
    return Result(
        benchmark="boundary",
        settings=settings,
        tables=(
            Table(
                title="CPU time over that of the fused build",
                columns=("build", "ratio", "95 % interval", "cost"),
                rows=tuple((name, f"{ratio:.3f}", *rest) for name, ratio, *rest in overall),
                note="Geometric mean over the instances of each round; Student's interval over the rounds.",
            ),
            Table(
                title="CPU seconds inside solve, median over the rounds",
                columns=("instance", *names),
                rows=tuple((i, *(round(median(one[name]), 4) for name in names)) for i, one in seconds.items()),
            ),
        ),
        figures={"seconds": seconds},
        errors=errors,
    )


def interval(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[float, float, float]:
    """Give the geometric mean ratio with its 95 % interval.

    Args:
        pairs: for each instance, the seconds of both builds by round.
    """
    from scipy.stats import t

    logs = [[math.log(a / b) for a, b in zip(*pair, strict=True)] for pair in pairs]
    rounds = [mean(values) for values in zip(*logs, strict=True)]
    half = float(t.ppf(0.975, len(rounds) - 1)) * stdev(rounds) / math.sqrt(len(rounds))
    return math.exp(mean(rounds)), math.exp(mean(rounds) - half), math.exp(mean(rounds) + half)


def _solve(command: Sequence[str], path: Path, ticks: int) -> tuple[float, int]:
    options = ["--json", "--no-model", f"--tick-limit={ticks}", "--seed=1"]
    ended = subprocess.run([*command, str(path), *options], capture_output=True, text=True)
    said = json.loads(ended.stdout)
    return float(said["solve_cpu_s"]), int(said["ticks"])


def _turned(names: list[str], number: int) -> list[str]:
    turn = number % len(names)
    return [*names[turn:], *names[:turn]]


def _first(instances: Sequence[Instance], count: int) -> list[Instance]:
    """Take so many of each family, in the order of their names."""
    ordered = sorted(instances, key=lambda i: (i.family, i.name))
    return [i for place, i in enumerate(ordered) if sum(o.family == i.family for o in ordered[:place]) < count]
