"""Measure step rules: throughput of the evaluator, calls of the built-in rules, and the claims of their papers."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from slotforge.bench import _baselines, _claims, _throughput
from slotforge.bench._baselines import Row
from slotforge.bench._command import benchmark, say
from slotforge.bench._result import Cell, Result, Table, shown, version_of
from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Candidate, Measurement, Split
from slotforge.solvers.optim.tune import FIRST

PARTS = ("throughput", "baselines", "claims", "curves")
DRAWN = ("least_squares", "matrix_sensing", "policy", "planted")
ANYONE = ("sgd", "heavy_ball", "adam")
REFERENCE = "best specialist"
RUNS = tuple(f"W={width}" for width in _throughput.WIDTHS)


@benchmark
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Measure this alone; may be repeated.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Throughput: the fastest counts.")
@click.option("--rule", default="adam", show_default=True, help="Throughput: the rule of our evaluator.")
@click.option("--case", "cases", multiple=True, help="Throughput: this case alone; may be repeated.")
@click.option("--problems", default=2, show_default=True, type=click.IntRange(1), help="Live baselines and curves.")
@click.option("--live-cpu", default=240.0, show_default=True, help="CPU seconds for baselines that are not frozen.")
@click.option("--claim", "claims", multiple=True, help="Measure this claim alone; may be repeated.")
@click.option("--family", "families", multiple=True, default=DRAWN, show_default=True, help="Curves: families.")
def command(
    parts: tuple[str, ...],
    rounds: int,
    rule: str,
    cases: tuple[str, ...],
    problems: int,
    live_cpu: float,
    claims: tuple[str, ...],
    families: tuple[str, ...],
) -> Result:
    """Measure throughput on one pinned core, calls with 48 trials, and what papers claim; draw curves."""
    tables: list[Table] = []
    figures: dict[str, Any] = {}
    drawings: dict[str, str] = {}
    chosen = [part for part in PARTS if part in (parts or PARTS)]
    for part in chosen:
        began = time.monotonic()
        if part == "throughput":
            figures[part] = _throughput.measure(rule, rounds, _among(cases, _throughput.CASES))
            tables += throughput_tables(figures[part], rule)
        elif part == "baselines":
            live = _baselines.Live(problems=problems, cpu_s=live_cpu)
            rows = [*_baselines.frozen(), *_told(live)]
            figures[part] = {"rows": [vars(row) | {"calls": _finite(row.calls)} for row in rows], "left": live.left}
            tables += baseline_tables(rows, live.left)
        elif part == "claims":
            found = measure_claims(_among(claims, _claims.CLAIMS))
            figures[part] = found
            tables.append(claims_table(found))
        else:
            figures[part], drawings["optim.svg"] = curves(families, problems)
            tables.append(scores_table(figures[part]))
        say(f"{part}: {time.monotonic() - began:.0f} s")
    settings = {"parts": ", ".join(chosen), "rounds": rounds, "problems": problems, **_versions()}
    return Result(benchmark="optim", settings=settings, tables=tuple(tables), figures=figures, drawings=drawings)


def throughput_tables(found: Mapping[str, Any], rule: str) -> list[Table]:
    """Write up runs per core-second, and what compiling costs."""
    names = [name for name in found if name != "skipped"]
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        rates = found[name]["rates"]
        base, reach = name.removesuffix(_throughput.PLAIN), None
        if name != base:
            reach = _throughput.REACH[base]
        own = [rates[width] for width in RUNS]
        precision = {"float64": "double", "float32": "single"}[found[name]["dtype"]]
        peers = [rates.get("optax"), rates.get("torch")]
        gains = [max(own) / peer if peer else None for peer in peers]
        rows.append((base, precision, found[name]["stride"], *own, *peers, *gains, reach))
    skipped = "".join(f" {name} is not installed, and was skipped." for name in found["skipped"])
    columns = (
        "problem",
        "precision",
        "looks every",
        *RUNS,
        "optax loop",
        "torch loop",
        "over optax",
        "over torch",
        "aim",
    )
    compile_rows: list[tuple[Cell, ...]] = [
        (name, *(found[name]["compile_s"][str(width)] for width in _throughput.WIDTHS)) for name in names
    ]
    return [
        Table(
            title="Runs of 500 steps per core-second",
            columns=columns,
            rows=tuple(rows),
            note=f"One pinned core, CPU time, the fastest round; our evaluator with {rule} at widths W (runs at once), "
            "looking at the metric after so many steps; optax.adam by a jitted step and torch.optim.Adam by loss, "
            "backward and step, which never look. Aim: runs at the best width, for the row that looks as seldom as "
            f"they do, in single precision.{skipped}",
        ),
        Table(
            title="CPU seconds of compiling",
            columns=("problem", *RUNS),
            rows=tuple(compile_rows),
            note=f"Once for a rule and a shape of problem, nothing cached; the aim is at most {_throughput.COMPILE_S}.",
        ),
    ]


def baseline_tables(rows: Sequence[Row], left: Sequence[str]) -> list[Table]:
    """Write up calls to the goal, frozen ones apart from live ones."""
    note = "Median of calls to the goal of the case with 48 trials; a dash where most problems were missed."
    tables = []
    for title, frozen in (("Frozen calls of the specialists", True), ("Calls of other rules, measured now", False)):
        chosen = [row for row in rows if row.frozen is frozen]
        cells = [
            (row.spec, row.rule, _finite(row.calls), f"{row.reached} of {row.problems}", row.fault) for row in chosen
        ]
        end = f" Not measured for want of CPU seconds: {', '.join(left)}." if left and not frozen else ""
        columns = ("case", "rule", "calls", "reached", "fault")
        if chosen or end:
            tables.append(Table(title=title, columns=columns, rows=tuple(cells), note=note + end))
    return tables


def measure_claims(names: Sequence[str]) -> dict[str, Any]:
    """Measure claims: figures, whether the direction is reproduced, and CPU seconds."""
    command = [sys.executable, "-m", _claims.__name__, *names]
    found: dict[str, Any] = {}
    with subprocess.Popen(command, env=_throughput.environment(), stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            told = json.loads(line)
            one = _claims.CLAIMS[name := told.pop("name")]
            found[name] = {"rules": one.rules, "source": one.source, "says": one.says, **told}
            say(f"{name}: {'yes' if told['holds'] else 'no'}")
    if process.returncode:
        raise SlotforgeError(f"measuring a claim ended with {process.returncode}")
    return found


def claims_table(found: Mapping[str, Any]) -> Table:
    """Write up claims."""
    rows: list[tuple[Cell, ...]] = [
        (
            ", ".join(map(_name, one["rules"])),
            one["says"],
            one["source"],
            told_figures(one["figures"]),
            "yes" if one["holds"] else "no",
        )
        for one in found.values()
    ]
    held = sum(one["holds"] for one in found.values())
    return Table(
        title="Claims of the papers",
        columns=("rules", "what is held against our problems", "after", "figures", "reproduced"),
        rows=tuple(rows),
        note=f"{held} of {len(rows)} directions are reproduced, each by a condition on its figures (bench/_claims.py), "
        "on one problem of a family; a dash is a goal that was not reached. That one is not says something of these "
        "small problems and few trials, not of the paper.",
    )


def _name(rule: str) -> str:
    return rule.removeprefix("step/")


def told_figures(figures: Mapping[str, float | None]) -> str:
    """Write figures in one cell."""
    return "; ".join(f"{name} {shown(value)}" for name, value in figures.items())


def curves(specs: Sequence[str], problems: int) -> tuple[dict[str, Any], str]:
    """Measure a few rules for anything beside the best specialist as in a search, and draw them."""
    from slotforge.core.ids import generator
    from slotforge.solvers.optim import builtin, case, instances, pictures, score
    from slotforge.solvers.optim.measure import run

    told: dict[str, list[Measurement]] = {REFERENCE: [], **{name: [] for name in ANYONE}}
    suite = instances.collect(specs, seed=0, per_family=math.ceil(problems / instances.SHARES[Split.SEARCH]))
    for instance in suite.search:
        for name, measured in told.items():
            family = case.parse(instance.family)[0]
            slots = {} if name == REFERENCE else builtin.named(name if family.role == "step" else "selection=plus")
            one = Candidate(domain="optim", slots=slots)
            measured.append(run(one, instance, seed=0, limit=None, prove=False, fused=False))
    table, _ = pictures.calls_table(told)
    scores = {
        name: vars(score.step_score(measured, told[REFERENCE], FIRST, generator("bench", name)))
        for name, measured in told.items()
    }
    profile = dict(zip(told, score.integrated_profile(table).tolist(), strict=True))
    stats = {name: [m.model_dump(mode="json") for m in measured] for name, measured in told.items()}
    return {"scores": scores, "B": profile, "measurements": stats}, pictures.sheet_of(told, REFERENCE)


def scores_table(found: Mapping[str, Any]) -> Table:
    """Write up StepScores and profiles."""
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            score["score"],
            f"{score['low']:.2f} to {score['high']:.2f}",
            found["B"][name],
            *score["families"].values(),
        )
        for name, score in found["scores"].items()
    ]
    families = next(iter(found["scores"].values()))["families"]
    return Table(
        title="Rules for anything beside the best specialists",
        columns=("rule", "StepScore", "95 % interval", "B", *families),
        rows=tuple(rows),
        note=f"With the {FIRST} trials of a search; StepScore is calls of the best specialist over those of the rule, "
        "cut to [1/8, 8], a miss 1/8; B is AlgoPerf's integrated profile up to a factor of 4. Where a rule chooses "
        "among offspring, plus selection stands for all of them. The curves are in the drawing.",
    )


def _told(live: _baselines.Live) -> list[Row]:
    rows = []
    for row in live.rows():
        say(f"{row.rule} on {row.spec}: {shown(_finite(row.calls))} {row.fault}")
        rows.append(row)
    return rows


def _among(asked: Sequence[str], known: Mapping[str, Any]) -> tuple[str, ...]:
    if unknown := [name for name in asked if name not in known]:
        raise click.UsageError(f"no '{unknown[0]}': choose from {', '.join(known)}")
    return tuple(asked or known)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _versions() -> dict[str, str]:
    return {name: version_of(name) for name in ("jax", "numpy", "optax", "torch")}
