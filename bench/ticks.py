"""Measure how well ticks stand for CPU time, whatever the policies."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, pstdev

import click

from slotforge.bench._command import benchmark, say
from slotforge.bench._result import Result, Table, content
from slotforge.solvers.sat.build import Builder, engine
from slotforge.solvers.sat.instances import collect
from slotforge.solvers.sat.slot import slots

FAMILIES = (
    "miter:6", "coloring:110", "ksat:200", "tseitin:30", "factoring", "langford", "parity", "qwh", "bmc", "community",
)  # fmt: skip
DEFAULT = "default"
LEAST_CPU_S = 0.02  # a shorter run says little of CPU time
SHOWN = 8  # policies at each end

Rates = Mapping[str, Mapping[str, float]]  # policy -> instance -> CPU nanoseconds per tick


@benchmark
@click.option("--instances", multiple=True, help="Folder, file or family; may be repeated. [default: 10 families]")
@click.option(
    "--ticks", default=20_000_000, show_default=True, type=click.IntRange(1), help="Length of a search at most."
)
def command(instances: tuple[str, ...], ticks: int) -> Result:
    """Measure CPU time per tick with each built-in policy, and compare it with that of the default policies.

    A search judges policies by ticks. If those of one policy took longer than those of another, that would be a gain
    in ticks that is none in seconds.
    """
    from slotforge.core.home import home

    builder = Builder(home() / "builds")
    suite = collect(instances or FAMILIES, seed=0, per_family=3)
    chosen = {i.family: Path(i.path) for i in sorted(suite.search, key=lambda i: i.name, reverse=True)}
    policies: dict[str, dict[str, str]] = {DEFAULT: {}} | {
        f"{slot}={name}": {slot: source}
        for slot, known in slots().items()
        for name, source in known.variants.items()
        if source != known.default
    }
    rates: dict[str, dict[str, float]] = {}
    for policy, sources in policies.items():
        command = [str(engine()), *builder.engine_arguments(sources)]
        found = {family: _rate(command, path, ticks) for family, path in chosen.items()}
        rates[policy] = {family: rate for family, rate in found.items() if rate is not None}
        say(f"{len(rates)} of {len(policies)}: {policy}")
    return report(rates, {"ticks": ticks, "engine": content(engine())})


def report(rates: Rates, settings: Mapping[str, int | str]) -> Result:
    """Compare with the default policies on the same formulas."""
    own = rates[DEFAULT]
    logs = {
        policy: [math.log(rate / own[family]) for family, rate in found.items() if family in own]
        for policy, found in rates.items()
        if policy != DEFAULT
    }
    told = sorted(((mean(values), policy, values) for policy, values in logs.items() if values), reverse=True)
    rows = [(policy, math.exp(of), math.exp(min(values)), math.exp(max(values))) for of, policy, values in told]
    means = [of for of, _, _ in told]
    every = [value for values in logs.values() for value in values]
    return Result(
        benchmark="ticks",
        settings=settings,
        tables=(
            Table(
                title="CPU time per tick, over that of the default policies",
                columns=("over", "standard deviation of the logarithm", "least", "most"),
                rows=(
                    ("policies", pstdev(means), math.exp(min(means)), math.exp(max(means))),
                    ("policies and formulas", pstdev(every), math.exp(min(every)), math.exp(max(every))),
                ),
                note="Of a policy: the geometric mean over the formulas.",
            ),
            Table(
                title="The policies whose ticks take longest and shortest",
                columns=("policy", "mean", "least", "most"),
                rows=tuple(_ends(rows)),
            ),
            Table(
                title="Nanoseconds per tick with the default policies",
                columns=("formula", "ns"),
                rows=tuple(own.items()),
            ),
        ),
        figures={"rates": rates},
    )


def _ends(rows: Sequence[tuple[str, float, float, float]]) -> Sequence[tuple[str, float, float, float]]:
    return [*rows[:SHOWN], *rows[max(SHOWN, len(rows) - SHOWN) :]]


def _rate(command: Sequence[str], path: Path, ticks: int) -> float | None:
    """Solve, and return CPU nanoseconds per tick; None when it took too little time to say."""
    ended = subprocess.run(
        [*command, str(path), "--json", "--no-model", f"--tick-limit={ticks}"], capture_output=True, text=True
    )
    said = json.loads(ended.stdout)
    return 1e9 * said["solve_cpu_s"] / said["ticks"] if said["solve_cpu_s"] >= LEAST_CPU_S else None
