"""Measure rules that build tours on the three test sets of a published table, beside what was published."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

import click

from slotforge.bench._command import benchmark
from slotforge.bench._result import Result
from slotforge.bench._tables import Course, candidates, disagreements, measure, table

if TYPE_CHECKING:
    from slotforge.solvers.policy.domain import Judged

INSTANCES = 1000
SETS = {"50 cities": "tsp50", "100 cities": "tsp100", "200 cities": "tsp200"}

# Zheng et al., "Monte Carlo tree search for comprehensive exploration in LLM-based automatic heuristic design", 2025,
# arXiv:2501.08603, table 1 (GPT-4o-mini, mean of three searches); the mean length of LKH's tours is from there as well
OPTIMAL = {"50 cities": 5.675, "100 cities": 7.768, "200 cities": 10.659}
PUBLISHED: dict[str, Sequence[float]] = {
    "nearest neighbour": (22.62, 24.94, 26.29),
    "FunSearch": (12.00, 13.93, 15.54),
    "EoH": (12.67, 14.49, 16.68),
    "MCTS-AHD": (9.69, 11.79, 13.71),
}
SAME = {"nearest": "nearest neighbour"}
ROUNDED = 0.02  # the mean lengths of LKH's tours have three digits behind the point
NOTE = (
    "Mean length over the published mean length of LKH's tours (5.675, 7.768, 10.659), less 1, in percent. nearest "
    f"must come out as published, within {ROUNDED} for the rounding of these lengths. The published rows of systems "
    "are means over searches of theirs; ael is the rule from which ReEvo starts."
)


@benchmark
@click.option(
    "--policy",
    "policies",
    multiple=True,
    default=("nearest", "ael"),
    show_default=True,
    help="Built-in policy; may be repeated.",
)
@click.option("--candidate", "refs", multiple=True, help="Candidate of the database; may be repeated.")
@click.option("--store", metavar="URL", help="Database. [default: $SLOTFORGE_HOME/slotforge.db]")
@click.option(
    "--count",
    default=INSTANCES,
    show_default=True,
    type=click.IntRange(1, INSTANCES),
    help="Instances of each set; with fewer than all, nothing is checked against what was published.",
)
def command(policies: tuple[str, ...], refs: tuple[str, ...], store: str | None, count: int) -> Result:
    """Measure policies on the test sets of the MCTS-AHD paper, which are drawn again from its seed."""
    course = Course(domain="tsp", sets=SETS, instances=count)
    gaps = measure(course, candidates("tsp", policies, refs, store), gap)
    return Result(
        benchmark="tsp",
        settings={"policies": policies, "candidates": refs, "instances": count},
        tables=(table("Gap to the mean of optimal tours, %", gaps, PUBLISHED, tuple(SETS), NOTE),),
        figures={"gaps": gaps, "published": PUBLISHED},
        errors=disagreements(gaps, PUBLISHED, SAME, within=ROUNDED) if count == INSTANCES else (),
    )


def gap(column: str, answers: Sequence[Judged]) -> float:
    """Compare the mean length with that of optimal tours."""
    return 100 * (fmean(answer.cost for answer in answers) / OPTIMAL[column] - 1)
