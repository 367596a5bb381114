"""What papers claim of rules for games, where the last iterate counts, and of searches that see values alone."""

from __future__ import annotations

import math

import numpy as np

from slotforge.bench._claim import Figures, claim
from slotforge.bench._course import race
from slotforge.core import registry
from slotforge.core.ids import generator
from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.blackbox._ecdf import area
from slotforge.solvers.optim.blackbox._program import SEARCHES
from slotforge.solvers.optim.blackbox._restarts import restarted
from slotforge.solvers.optim.problems.bbob import problem
from slotforge.solvers.optim.rule import numbers


@claim(
    "eag", "Yoon and Ryu 2021, arXiv:2102.07922", "the squared residual falls as 1/k^2, where descent-ascent diverges"
)
def anchored_rate() -> tuple[Figures, bool]:
    course = race("bilinear", "eag", 16000, hps=[{"lr": 0.125}])
    early, late = (float(course.metric[int(share * len(course.metric)) - 1, 0, 0]) for share in (0.25, 1.0))
    exponent = 2 * math.log(late / early) / math.log(4)
    descent = race("bilinear", "sgd", 4000, hps=[{"lr": 0.125}]).end()
    figures = {"after 4000": early, "after 16000": late, "exponent of the square": exponent, "descent-ascent": descent}
    return figures, exponent <= -1.8 and descent > 1


@claim(
    "halpern_vr",
    "Cai, Alacaoglu and Diakonikolas 2024, arXiv:2310.02987",
    "a recursive estimate of the operator ends with less noise than the operator of each sample, with the same steps",
)
def recursive_estimate() -> tuple[Figures, bool]:
    steps = [{"lr": lr, "power": power} for lr in (0.1, 0.3, 1.0, 3.0) for power in (0.0, 0.5)]
    found = {
        name: race("stochastic_logistic", "halpern_vr", 900, hps=[{**one, "share": share} for one in steps], seeds=3)
        for name, share in (("recursive", 0.1), ("of each sample", 1.0))
    }
    figures = {name: course.end() for name, course in found.items()}
    return figures, figures["recursive"] < figures["of each sample"] / 1.25


@claim(
    "nash_mirror_prox",
    "Tiapkin et al. 2025, arXiv:2505.19731",
    "the last iterate comes near the equilibrium, where that of multiplicative weights stays away",
)
def pulled_iterate() -> tuple[Figures, bool]:
    found = {
        "mirror prox, gap": race("matrix_game", "nash_mirror_prox", 8000).end(),
        "multiplicative weights, gap": race("matrix_game", "sgd", 16000).end(),
    }
    return found, found["mirror prox, gap"] < found["multiplicative weights, gap"] / 10


@claim(
    "optimistic_gda",
    "Daskalakis and Panageas 2019, arXiv:1807.04252",
    "the last iterate of optimistic multiplicative weights reaches a small gap, that of plain ones does not",
)
def last_iterate() -> tuple[Figures, bool]:
    goal, lrs = 1e-3, [{"lr": lr} for lr in (0.25, 0.5, 0.75)]
    found: dict[str, float] = {}
    for rule, name in (("optimistic_gda", "optimistic"), ("sgd", "plain")):
        course = race("matrix_game", rule, 60000, hps=lrs, stop=goal)
        found |= {f"{name} calls": course.to(goal), f"{name} gap, end": course.end()}
    return found, found["optimistic calls"] < math.inf and math.isinf(found["plain calls"])


@claim(
    "blackbox/lbfgs_restarts blackbox/cma_es blackbox/differential_evolution blackbox/random_search",
    "Hansen, Auger, Ros, Finck and Pošík 2010, results of 31 algorithms from BBOB-2009",
    "in few evaluations, quasi-Newton steps with restarts reach more targets than CMA-ES, it than differential "
    "evolution, and that than chance",
)
def areas_on_bbob() -> tuple[Figures, bool]:
    d, evaluations = 5, 2000
    found: dict[str, float] = {}
    for name, source in builtin.searches().items():
        search, defaults = registry.load(SEARCHES, name).search, numbers(source)
        hp = {number: one.default for number, one in defaults.items()}
        areas = []
        for function in range(1, 25):
            f = problem(function, 1, d)
            values = lambda xs, f=f: np.asarray(f(xs.tolist()))  # noqa: E731
            trace = restarted(search, values, d, evaluations, generator(function, "claims"), hp)
            areas.append(area(trace, f.optimum.y, evaluations))
        found[name] = float(np.mean(areas))
    ranked = ("lbfgs_restarts", "cma_es", "differential_evolution", "random_search")
    ordered = [found[name] for name in ranked]
    return {name: found[name] for name in ranked}, ordered == sorted(ordered, reverse=True)
