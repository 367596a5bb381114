"""BBOB by finite differences: whose gradient it is, and where the least value lies."""

import numpy as np
import pytest

from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.loop import Loop
from slotforge.solvers.optim.problems.bbob import family, problem
from slotforge.solvers.optim.rule import load
from slotforge.testing.rule_host import RULES


def drawn(seed=0, **knobs):
    return family.draw({**family.knobs, **knobs}, np.random.default_rng(seed))


def at_the_best(data):
    return np.asarray(problem(int(data["function"]), int(data["instance"]), len(data["d"])).optimum.x)


@pytest.mark.parametrize("function", range(1, 25))
def test_the_metric_is_zero_at_the_optimum_and_above_it_elsewhere(function):
    data = drawn(function=function)
    best = at_the_best(data)
    assert family.metric(data, best) == pytest.approx(0, abs=1e-9)
    rng = np.random.default_rng(0)
    assert min(family.metric(data, best + 0.1 * rng.standard_normal(5)) for _ in range(20)) > 0


@pytest.mark.parametrize("d", [5, 10])
def test_on_the_sphere_the_gradient_points_away_from_the_optimum(d):
    data = drawn(function=1, d=d)
    p = family.start(data, np.random.default_rng(0))
    value, g = family.oracle(data, p, None, {})
    assert value - data["best"] == family.metric(data, p)
    np.testing.assert_allclose(g, 2 * (p - at_the_best(data)), atol=1e-4)


@pytest.mark.parametrize("function", [2, 8, 10, 14])
def test_forward_differences_agree_with_central_ones_where_the_function_is_smooth(function):
    data = drawn(function=function)
    p = family.start(data, np.random.default_rng(3))
    f = problem(function, int(data["instance"]), 5)
    _, g = family.oracle(data, p, None, {})
    central = np.array([(f(p + 1e-5 * unit) - f(p - 1e-5 * unit)) / 2e-5 for unit in np.eye(5)])
    np.testing.assert_allclose(g, central, rtol=1e-3, atol=1e-4 * np.abs(central).max())


def test_a_call_is_one_evaluation_more_than_there_are_entries():
    data = drawn(function=1, d=10)
    f = problem(1, int(data["instance"]), 10)
    before = f.state.evaluations
    family.oracle(data, np.zeros(10), None, {})
    assert f.state.evaluations - before == 11


def test_searches_see_half_of_the_functions_and_the_other_splits_the_other_half():
    functions = {split: {knobs["function"] for knobs in settings} for split, settings in family.splits.items()}
    assert len(functions["search"]) == len(functions["select"] | functions["holdout"]) == 12
    assert functions["search"] | functions["select"] | functions["holdout"] == set(range(1, 25))
    assert {knobs.get("d", 5) for knobs in family.splits["holdout"]} == {5, 10}


def test_the_loop_in_numpy_runs_a_rule_to_the_goal():
    data = drawn(function=1)
    loop = Loop(family=family, rule=Composite(parts={"step": load((RULES / "step/sgd.py").read_text())}))
    loop.inspect(data)
    runs = loop.run(data, [{"step.lr": 0.1}, {"step.lr": 1e-5}], [0, 1], budget=100, enough=lambda _: False)
    assert (runs.metric[-1, 0] < family.goal).all()
    assert (runs.metric[-1, 1] > family.goal).all()
