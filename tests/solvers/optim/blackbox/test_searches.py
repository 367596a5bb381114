"""Searches that see values alone, against the areas on BBOB of others of their kind and against what each promises."""

from functools import cache
from importlib import import_module

import numpy as np
import pytest

from slotforge.solvers.optim import builtin
from slotforge.solvers.optim.blackbox import _ecdf as ecdf
from slotforge.solvers.optim.blackbox._restarts import restarted
from slotforge.solvers.optim.problems.bbob import problem
from slotforge.solvers.optim.rule import numbers

D, BUDGET = 5, 2000
# Measured once in this setting: uniform points, SciPy's differential evolution, CMA-ES and L-BFGS-B with restarts.
AREAS = {"random_search": 0.078, "differential_evolution": 0.127, "cma_es": 0.353, "lbfgs_restarts": 0.432}
NAMES = [*AREAS]


def minimize(name, f, budget=BUDGET, seed=0, d=D, **hp):
    """Run a search on a function of one point, with the defaults of all numbers that are not given."""
    search = import_module(f"slotforge.solvers.optim.blackbox.{name}").search
    hp = {number: one.default for number, one in numbers(builtin.searches()[name]).items()} | hp
    return restarted(search, lambda xs: [f(x) for x in xs], d, budget, np.random.default_rng(seed), hp)


@cache
def area(name):
    """Return the mean area over the 24 functions, one instance each."""
    found = []
    for function in range(1, 25):
        f = problem(function, 1, D)
        found.append(ecdf.area(minimize(name, f, seed=function), f.optimum.y, BUDGET))
    return np.mean(found)


@pytest.mark.parametrize("name", NAMES)
def test_a_search_covers_the_area_that_others_of_its_kind_do(name):
    assert area(name) == pytest.approx(AREAS[name], rel=0.4)


def test_searches_rank_as_others_of_their_kind_do():
    assert sorted(NAMES, key=area) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("budget", [1, 7, 500])
def test_a_search_spends_its_evaluations_and_tells_the_best_after_each(name, budget):
    seen = []

    def f(x):
        seen.append(float(np.sum((x - 1) ** 2)))
        return seen[-1]

    trace = minimize(name, f, budget)
    assert len(seen) == budget
    np.testing.assert_array_equal(trace, np.minimum.accumulate(seen))


@pytest.mark.parametrize("name", NAMES)
def test_a_search_ends_where_its_value_is_good_enough(name):
    seen = []

    def f(xs):
        seen.extend(xs)
        return np.sum(xs**2, axis=-1)

    search = import_module(f"slotforge.solvers.optim.blackbox.{name}").search
    hp = {number: one.default for number, one in numbers(builtin.searches()[name]).items()}
    trace = restarted(search, f, D, BUDGET, np.random.default_rng(0), hp, lambda value: value < 20)
    assert trace[-1] < 20
    assert len(trace) == len(seen) < BUDGET


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_a_search_runs_in_all_of_the_range_of_its_numbers(name, place):
    hp = {number: one.at(place) for number, one in numbers(builtin.searches()[name]).items()}
    assert len(minimize(name, problem(3, 1, D), 1000, **hp)) == 1000


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_is_a_search(name):
    f = problem(8, 1, D)
    one, again, other = (minimize(name, f, 300, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_cma_es_learns_a_stretched_and_turned_quadratic():
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((D, D)))
    trace = minimize("cma_es", lambda x: float(np.sum(np.logspace(0, 6, D) * (turn @ (x - 1)) ** 2)), 4000)
    assert trace[-1] < 1e-8


def test_cma_es_starts_again_in_another_place_where_nothing_changes():
    points = []

    def flat(x):
        points.append(x)
        return 0.0

    minimize("cma_es", flat, 3000)
    spread = [np.std(points[at : at + 8]) for at in range(0, 3000, 8)]
    assert max(spread[100:]) > 0.5


def test_the_area_counts_targets_from_the_evaluation_that_reaches_them():
    never = ecdf.area(np.full(10, 1e3), 0.0, 10)
    at_once = ecdf.area(np.zeros(10), 0.0, 10)
    half = ecdf.area(np.array([1e3] * 4 + [0.0] * 6), 0.0, 10)
    some = ecdf.area(np.full(10, 1.0), 0.0, 10)
    assert (never, at_once, half) == pytest.approx((0.0, 0.9, 0.5))
    assert some == pytest.approx(0.9 * 11 / 51)
    assert ecdf.TARGETS[[0, -1]] == pytest.approx([1e2, 1e-8])
