"""What became of a rule, drawn beside the best tuned specialist: convergence, anytime distribution, profiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from slotforge.core.svg import Axis, Curve, chart, sheet, span
from slotforge.core.types import Measurement
from slotforge.solvers.optim import score
from slotforge.solvers.optim.runs import TARGETS
from slotforge.solvers.optim.tune import ALL

Solvers = Mapping[str, Sequence[Measurement]]  # measurements by name of what was measured


def sheet_of(solvers: Solvers, reference: str) -> str:
    """Draw the convergence on each family, then the anytime distribution and the profiles over all of them.

    Args:
        solvers: all on the same problems.
        reference: which of them counts as 1.
    """
    families = list(dict.fromkeys(m.family for m in solvers[reference]))
    charts = [
        convergence(family, {name: [m for m in told if m.family == family] for name, told in solvers.items()})
        for family in families
    ]
    return sheet([*charts, ecdf(solvers, reference), profiles(solvers)])


def convergence(title: str, solvers: Solvers) -> str:
    """Draw the level that is reached against oracle calls: the median over problems."""
    curves = [Curve(name=name, points=_median(told)) for name, told in solvers.items()]
    low, high = span((x for curve in curves for x, _ in curve.points), log=True)
    return chart(
        title,
        Axis(label="oracle calls", low=low, high=high, log=True),
        Axis(label="way to the goal", low=0, high=1),
        curves,
        "share of the way from start to goal, in the logarithm; median over problems",
    )


def ecdf(solvers: Solvers, reference: str) -> str:
    """Draw the share of all targets of all problems that are reached within so many calls."""
    told = solvers[reference]
    units = {m.instance: goal for m in told if math.isfinite(goal := score.calls(m, ALL))}
    reached = {name: score.anytime(measured, units) for name, measured in solvers.items()}
    low, high = span((x for hits, _ in reached.values() for x in hits.tolist()), log=True)
    high = max(high, 1.0)
    curves = []
    for name, (hits, shares) in reached.items():
        points = [(low, 0.0), *zip(hits.tolist(), shares.tolist(), strict=True)]
        curves.append(Curve(name=name, points=[*points, (high, points[-1][1])], steps=True))
    return chart(
        "anytime",
        Axis(label=f"calls over those of {reference}", low=low, high=high, log=True),
        Axis(label="targets reached", low=0, high=1),
        curves,
        f"{TARGETS} targets each on {len(units)} problems; 1 is the goal, as {reference} reaches it",
    )


def profiles(solvers: Solvers, r_max: float = score.R_MAX) -> str:
    """Draw performance profiles, with AlgoPerf's score in the legend."""
    table, problems = calls_table(solvers)
    within = np.linspace(1, r_max, 121)
    heights, scores = score.profile(table, within), score.integrated_profile(table, r_max)
    curves = [
        Curve(name=f"{name} (B = {b:.2f})", points=list(zip(within.tolist(), row.tolist(), strict=True)), steps=True)
        for name, row, b in zip(solvers, heights, scores.tolist(), strict=True)
    ]
    return chart(
        "performance profiles",
        Axis(label="within this factor of the fewest calls", low=1, high=r_max),
        Axis(label="problems solved", low=0, high=1),
        curves,
        f"{len(problems)} problems",
    )


def calls_table(solvers: Solvers) -> tuple[np.ndarray, list[str]]:
    """Arrange the calls to the goal on the problems that all solvers were measured on, shape (solvers, problems)."""
    found = [{m.instance: score.calls(m, ALL) for m in told} for told in solvers.values()]
    common = [name for name in found[0] if all(name in one for one in found)]
    return np.array([[one[name] for name in common] for one in found]), common


def _median(measurements: Sequence[Measurement]) -> list[tuple[float, float]]:
    """Return (calls, level) as far as half of the problems get."""
    hits = [score.targets(m) for m in measurements]
    middle = [median(float(one[place]) for one in hits) if hits else math.inf for place in range(TARGETS)]
    return [(max(1.0, calls), (place + 1) / TARGETS) for place, calls in enumerate(middle) if math.isfinite(calls)]
