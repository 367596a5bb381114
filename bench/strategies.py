"""Compare all search strategies with the same proposer, budget and seeds: ranks, anytime curves and cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from slotforge.bench._cells import Cell, Job, code_of, complete
from slotforge.bench._command import benchmark
from slotforge.bench._curves import anytime, critical_difference_diagram
from slotforge.bench._ranks import LEVEL, Ranking, against, ranking
from slotforge.bench._result import Result, Table
from slotforge.core import registry
from slotforge.core.errors import UsageError
from slotforge.core.home import home
from slotforge.search import worker

SYNTHETIC = "synthetic"
CONTROLS = ("random", "best_of_n")  # what takes no feedback: a strategy that does not beat them has learnt nothing
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "sat": ("ksat:150", "parity", "miter"),
    "optim": ("least_squares", "logistic"),
    "packing": ("weibull_1k_100",),
    "tsp": ("tsp50",),
}


@benchmark
@click.option("--domain", default=SYNTHETIC, show_default=True, help="synthetic, or a domain such as sat or optim.")
@click.option("--budget", default=100, show_default=True, type=click.IntRange(1), help="Trials of each search.")
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(1), help="Searches of each kind.")
@click.option("--strategies", "chosen", default="", help="With commas between them; settings as in --strategy.")
@click.option("--problem", "problems", multiple=True, help="Landscape or family; may be repeated. [default: all]")
@click.option("--model", default="offline", show_default=True, help="Of all searches, on a domain.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Searches at once.")
@click.option("--cells", type=click.Path(path_type=Path, dir_okay=False), help="Where finished searches are kept.")
def command(
    domain: str,
    budget: int,
    seeds: int,
    chosen: str,
    problems: tuple[str, ...],
    model: str,
    jobs: int,
    cells: Path | None,
) -> Result:
    """Compare search strategies at equal budgets.

    On "synthetic" landscapes proposals come from a script that writes as a model would in kind, and what counts is the
    true worth of what a search found. On a domain whole searches run, and what counts is the holdout ratio of what they
    chose. Searches that are finished are kept, and not run again.
    """
    names = tuple(chosen.split(",")) if chosen else tuple(registry.names("slotforge.search.strategies"))
    for name in names:
        registry.load("slotforge.search.strategies", name.partition(":")[0])
    run, usual = _searches(domain)
    if not (problems or usual):
        raise UsageError(f"domain {domain} has no usual problems: name its families with --problem")
    code = code_of("slotforge.core", "slotforge.prompts", "slotforge.search", _package(domain))
    wanted = [
        Job(domain=domain, problem=problem, strategy=name, seed=seed, budget=budget, model=model, code=code)
        for seed in range(seeds)
        for problem in problems or usual
        for name in names
    ]
    done = complete(wanted, run, cells or home() / "bench" / f"strategies-{domain}.jsonl", jobs)
    return report(list(done.values()), domain)


def _package(domain: str) -> str:
    """Name where the problems of a domain are made."""
    if domain == SYNTHETIC:
        return "slotforge.testing"
    return domain if "." in domain else f"slotforge.solvers.{domain}"


def _searches(domain: str) -> tuple[Callable[[Job], Cell], Sequence[str]]:
    """Return what runs a search of a domain, and its usual problems."""
    if domain == SYNTHETIC:
        from slotforge.bench import _synthetic

        return _synthetic.run, _synthetic.PROBLEMS
    from slotforge.bench import _discovered

    worker.domain(domain)  # which says what is wrong with a name that is none
    return _discovered.run, FAMILIES.get(domain, ())


def report(cells: Sequence[Cell], domain: str) -> Result:
    """Rank the strategies over all problems and seeds, and say which do not beat the controls."""
    by_strategy: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_strategy[cell.job.strategy].append(cell)
    problems = tuple(dict.fromkeys(cell.job.problem for cell in cells))
    values = {name: [cell.value for cell in of] for name, of in by_strategy.items()}
    ranked = ranking(values)
    of_problem = {
        problem: ranking({n: [c.value for c in of if c.job.problem == problem] for n, of in by_strategy.items()})
        for problem in problems
    }
    ordered = {name: by_strategy[name] for name in ranked.ranks}
    first = cells[0].job
    return Result(
        benchmark=f"strategies-{domain}",
        settings={
            "domain": domain,
            "model": "scripted" if domain == SYNTHETIC else first.model,
            "budget": first.budget,
            "seeds": len({cell.job.seed for cell in cells}),
            "searches": len(cells),
            **_cpu_of(cells),
        },
        tables=(
            _ranks(ranked, of_problem, values),
            _cost(ordered),
            *_controls({name: values[name] for name in ranked.ranks}),
        ),
        figures=_figures(ranked, of_problem, ordered),
        drawings=_drawings(f"strategies-{domain}", ranked, ordered),
    )


def _cpu_of(cells: Sequence[Cell]) -> Mapping[str, int | None]:
    """Return what all searches took, and say where it is not known of all what the processes took that they started."""
    known = [cell.cpu_s for cell in cells if cell.cpu_s is not None]
    if len(known) == len(cells):
        return {"CPU seconds of the searches, with all processes that they started": round(sum(known)) or None}
    own = round(sum(cell.own_cpu_s for cell in cells))
    return {"CPU seconds of the searches, without compilers, solvers and checkers": own or None}


def _ranks(ranked: Ranking, of_problem: Mapping[str, Ranking], values: Mapping[str, Sequence[float]]) -> Table:
    return Table(
        title="Mean ranks",
        columns=("strategy", "mean rank", "mean value", *of_problem),
        rows=tuple(
            (
                name,
                round(rank, 2),
                round(_mean(values[name]), 3),
                *(round(one.ranks[name], 2) for one in of_problem.values()),
            )
            for name, rank in ranked.ranks.items()
        ),
        note=f"Over {ranked.blocks} blocks of one problem and seed. Friedman's test that all are equal: "
        f"p = {ranked.p:.2g}. Mean ranks closer than {ranked.distance:.2f} do not differ (Nemenyi, {LEVEL:.0%}).",
    )


def _figures(
    ranked: Ranking, of_problem: Mapping[str, Ranking], cells: Mapping[str, Sequence[Cell]]
) -> Mapping[str, object]:
    """Return what the tables are made of."""
    values = {name: [cell.value for cell in of] for name, of in cells.items()}
    return {
        "ranks": ranked.ranks,
        "p": ranked.p,
        "critical difference": ranked.distance,
        "ranks by problem": {problem: one.ranks for problem, one in of_problem.items()},
        "mean by problem": {
            name: {p: _mean([c.value for c in of if c.job.problem == p]) for p in of_problem}
            for name, of in cells.items()
        },
        "against controls": {
            c: {n: {"wins": share, "p": p} for n, (share, p) in against(c, values).items()}
            for c in CONTROLS
            if c in values
        },
    }


def _drawings(name: str, ranked: Ranking, cells: Mapping[str, Sequence[Cell]]) -> Mapping[str, str]:
    """Draw the ranks, and the best so far over trials and over questions to the model."""

    def trials(cell: Cell) -> list[float]:
        return [*(float(step.trials) for step in cell.steps), float(cell.trials)]

    def calls(cell: Cell) -> list[float]:
        return [*(float(step.calls) for step in cell.steps), float(cell.calls)]

    return {
        f"{name}-ranks.svg": critical_difference_diagram(ranked, f"Mean ranks over {ranked.blocks} blocks"),
        f"{name}-trials.svg": anytime(cells, "Best so far, as the search sees it", "trials", trials),
        f"{name}-calls.svg": anytime(cells, "Best so far, as the search sees it", "questions to the model", calls),
    }


def _cost(cells: Mapping[str, Sequence[Cell]]) -> Table:
    every = [cell for of in cells.values() for cell in of]
    cpu: dict[str, Callable[[Cell], float]] = {}
    if any(cell.evaluation_cpu_s for cell in every):
        cpu["CPU s of evaluations"] = lambda cell: cell.evaluation_cpu_s
    if all(cell.cpu_s is not None for cell in every):
        cpu["CPU s in all"] = lambda cell: cell.cpu_s or 0.0
    return Table(
        title="Cost of a search",
        columns=("strategy", "trials", "questions", "tokens", "USD", *cpu),
        rows=tuple(
            (
                name,
                _mean([c.trials for c in of]),
                _mean([c.calls for c in of]),
                _mean([c.tokens for c in of]),
                _mean([c.usd for c in of]),
                *(_mean([seconds(c) for c in of]) for seconds in cpu.values()),
            )
            for name, of in cells.items()
        ),
        note="Means. Evaluations: runs of trials alone. In all: search, compilers, solvers, checkers, verdict."
        if len(cpu) > 1
        else "Means.",
    )


def _controls(values: Mapping[str, Sequence[float]]) -> list[Table]:
    """Hold every strategy against each control, and name those that do not beat it."""
    tables = []
    for control in (c for c in CONTROLS if c in values and len(values) > 1):
        found = against(control, values)
        beaten = [n for n, (share, p) in found.items() if p < LEVEL and share > 0.5]
        failed = [n for n in found if n not in beaten and n not in CONTROLS]
        tables.append(
            Table(
                title=f"Against {control}",
                columns=("strategy", "better on", "p"),
                rows=tuple((n, f"{share:.0%}", float(f"{p:.2g}")) for n, (share, p) in found.items()),
                note=f"Wilcoxon's signed-rank test, Holm's correction; ties count half. Not shown to beat {control}: "
                f"{', '.join(failed) or 'none'}.",
            )
        )
    return tables


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
