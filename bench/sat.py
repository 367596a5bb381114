"""Compare the default engine with MiniSat, Glucose, CaDiCaL and Kissat on the same instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import click

from slotforge.bench import _peers, _svg
from slotforge.bench._command import benchmark, say
from slotforge.bench._peers import OURS, Run
from slotforge.bench._result import Cell, Result, Table, content
from slotforge.core.ids import LARGEST_SEED
from slotforge.core.types import Instance
from slotforge.solvers.sat.build import engine
from slotforge.solvers.sat.instances import collect

FAMILIES = (
    "qwh", "miter", "bmc", "tseitin", "zamkeller", "prp", "md4", "sha1", "factoring", "parity", "ksat", "coloring",
    "sgen", "langford", "community", "scpc",
)  # fmt: skip
"""What tells solvers apart, and some that show raw speed; sizes are those a MiniSat-class solver needs a second for."""
PENALTY = 2.0
RIVAL = "minisat22"  # drawn against us
RATED_S = 0.1  # runs shorter than this say nothing about speed
COUNTERS = ("conflicts", "propagations", "ticks")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One instance under every solver."""

    instance: Instance
    runs: dict[str, Run]


@benchmark
@click.option("--instances", multiple=True, help="Folder, file or family; may be repeated. [default: 16 families]")
@click.option("--per-family", default=2, show_default=True, type=click.IntRange(1), help="Instances of each family.")
@click.option("--limit", default=20.0, show_default=True, type=click.FloatRange(0.1), help="CPU seconds for one run.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, LARGEST_SEED), help="Of the generated instances."
)
@click.option("--quick", is_flag=True, help="One instance of each family, one second for each run.")
def command(instances: tuple[str, ...], per_family: int, limit: float, seed: int, quick: bool) -> Result:
    """Measure PAR-2, instances solved and speed of the default engine and its peers.

    CPU seconds are those inside solve: reading is not counted, except for programs found on PATH. Solvers take turns on
    each instance, so that noise hits all alike. Models are checked; solvers that disagree are reported as an error.
    """
    if quick:
        per_family, limit = 1, 1.0
    suite = collect(instances or FAMILIES, seed=seed, per_family=per_family)
    chosen = sorted(suite.search + suite.select + suite.holdout, key=lambda i: (i.family, i.name))
    solvers = _peers.solvers()
    rows = []
    for number, instance in enumerate(chosen):
        turn = number % len(solvers)
        order = [*list(solvers)[turn:], *list(solvers)[:turn]]
        runs = {name: solvers[name](Path(instance.path), limit) for name in order}
        rows.append(Row(instance=instance, runs={name: runs[name] for name in solvers}))
        say(f"{number + 1}/{len(chosen)} {instance.name}: " + ", ".join(f"{n} {_shown(r)}" for n, r in runs.items()))
    settings: dict[str, str | float] = {"limit": f"{limit:g} CPU s", "penalty": PENALTY}
    settings |= {"per_family": per_family, "seed": seed, "engine": content(engine())}
    return report(rows, list(solvers), limit, settings)


def report(rows: Sequence[Row], solvers: Sequence[str], limit: float, settings: dict[str, str | float]) -> Result:
    """Write up the runs."""
    groups = {"all": list(rows), **{f: [r for r in rows if r.instance.family == f] for f in _families(rows)}}
    scores = {group: {s: _par2(members, s, limit) for s in solvers} for group, members in groups.items()}
    solved = {group: {s: _solving(members).count(s) for s in solvers} for group, members in groups.items()}
    pairs = {f: [(r.runs[RIVAL].cpu_s, r.runs[OURS].cpu_s) for r in groups[f]] for f in _families(rows)}
    return Result(
        benchmark="sat",
        settings=settings,
        tables=(
            _overall(groups["all"], solvers, scores["all"], solved["all"]),
            _by_family("PAR-2 by family, CPU seconds", groups, scores, solvers),
            _by_family("Solved by family", groups, solved, solvers),
            _against(scores, solvers),
        ),
        figures={
            "par2": scores,
            "solved": solved,
            "runs": [
                {"instance": r.instance.name, "family": r.instance.family, "size": r.instance.size, "id": r.instance.id}
                | {name: vars(run) for name, run in r.runs.items()}
                for r in rows
            ],
        },
        errors=tuple(_errors(rows)),
        drawings={
            "sat-cactus.svg": _svg.cactus(
                {s: [r.runs[s].cpu_s for r in rows if r.runs[s].answer != "unknown"] for s in solvers}, limit
            ),
            "sat-scatter.svg": _svg.scatter(pairs, (RIVAL, OURS), limit),
        },
    )


def _overall(rows: Sequence[Row], solvers: Sequence[str], scores: dict[str, float], solved: dict[str, int]) -> Table:
    lines: list[tuple[Cell, ...]] = [
        (s, scores[s], f"{solved[s]} of {len(rows)}", *(_rate(rows, s, counter) for counter in COUNTERS))
        for s in solvers
    ]
    return Table(
        title="All instances",
        columns=("solver", "PAR-2", "solved", "conflicts/s", "propagations/s", "ticks/s"),
        rows=tuple(lines),
        note="PAR-2: mean CPU seconds, an unsolved instance counting twice the limit. Rates are medians over solved "
        f"runs of at least {RATED_S} s, as each solver counts; a dash where it does not tell.",
    )


def _by_family(
    title: str, groups: dict[str, list[Row]], cells: Mapping[str, Mapping[str, float]], solvers: Sequence[str]
) -> Table:
    names = [group for group in groups if group != "all"]
    rows: list[tuple[Cell, ...]] = [(f"{f} ({len(groups[f])})", *(cells[f][s] for s in solvers)) for f in names]
    return Table(title=title, columns=("family (instances)", *solvers), rows=tuple(rows))


def _against(scores: dict[str, dict[str, float]], solvers: Sequence[str]) -> Table:
    """Count the families in which we are no slower than each peer."""
    families = [group for group in scores if group != "all"]
    rows = []
    for peer in solvers:
        if peer != OURS:
            ahead = [f for f in families if scores[f][OURS] <= scores[f][peer]]
            behind = [f for f in families if f not in ahead]
            rows.append((peer, f"{len(ahead)} of {len(families)}", ", ".join(behind) or "none"))
    columns = ("than", "families", "slower in")
    return Table(title=f"Families in which {OURS} is no slower", columns=columns, rows=tuple(rows))


def _families(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(r.instance.family for r in rows))


def _par2(rows: Sequence[Row], solver: str, limit: float) -> float:
    return mean(PENALTY * limit if r.runs[solver].answer == "unknown" else r.runs[solver].cpu_s for r in rows)


def _solving(rows: Sequence[Row]) -> list[str]:
    return [name for row in rows for name, run in row.runs.items() if run.answer != "unknown"]


def _rate(rows: Sequence[Row], solver: str, counter: str) -> float | None:
    runs = [r.runs[solver] for r in rows]
    rates = [r.stats[counter] / r.cpu_s for r in runs if r.cpu_s >= RATED_S and counter in r.stats]
    return median(rates) if rates else None


def _errors(rows: Sequence[Row]) -> list[str]:
    found = []
    for row in rows:
        answers = {name: run.answer for name, run in row.runs.items() if run.answer != "unknown"}
        known = {"known status": row.instance.status} if row.instance.status else {}
        if len({*answers.values(), *known.values()}) > 1:
            found.append(f"{row.instance.name}: solvers disagree: {answers | known}")
        found += [f"{row.instance.name}, {name}: {run.fault}" for name, run in row.runs.items() if run.fault]
    return found


def _shown(run: Run) -> str:
    return "-" if run.answer == "unknown" else f"{run.cpu_s:.2f}"
