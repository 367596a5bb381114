"""BBOB by finite differences: whose gradient it is, and where the least value lies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.loop import Loop
from slotforge.solvers.optim.problems.bbob import family, problem
from slotforge.solvers.optim.rule import load
from slotforge.solvers.optim.simulate import Program
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
    assert {knobs.get("d", 5) for knobs in family.splits["holdout"]} == {5, 10, 20}


def ran(host, rule, data, **numbers):
    """Run a step rule for 100 calls with two seeds."""
    made = host(family=family, rule=Composite(parts={"step": load((RULES / f"step/{rule}.py").read_text())}))
    made.inspect(data)
    hp = {f"step.{name}": value for name, value in numbers.items()}
    return made.run(data, [hp], [0, 1], budget=100, enough=lambda _: False)


@pytest.mark.parametrize("host", [Loop, Program])
def test_a_rule_runs_to_the_goal(host):
    data = drawn(function=1)
    assert (ran(host, "sgd", data, lr=0.1).metric[-1] < family.goal).all()
    assert (ran(host, "sgd", data, lr=1e-5).metric[-1] > family.goal).all()


@pytest.mark.parametrize("knobs", [{"function": 8}, {"function": 15, "d": 10}, {"function": 24}])
def test_compiled_runs_are_those_of_the_loop(knobs):
    data = drawn(**knobs)
    loop, program = (ran(host, "sgd", data, lr=1e-6) for host in (Loop, Program))
    np.testing.assert_allclose(program.metric[: len(loop.metric)], loop.metric, rtol=1e-5)
    np.testing.assert_array_equal(program.first, loop.first)


def test_many_points_are_looked_at_together_as_each_alone():
    data = drawn(function=20)
    points = np.random.default_rng(0).uniform(-5, 5, (3, 2, 5))
    both = jax.jit(jax.vmap(jax.vmap(lambda p: (*family.oracle(data, p, None, {}), family.metric(data, p)))))
    values, slopes, metrics = both(jnp.asarray(points))
    for at in np.ndindex(3, 2):
        value, slope = family.oracle(data, points[at], None, {})
        np.testing.assert_allclose(values[at], value, rtol=1e-12)
        np.testing.assert_allclose(slopes[at], slope, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(metrics[at], family.metric(data, points[at]), rtol=1e-12)


def test_second_derivatives_are_differences_of_the_differences():
    data, p, v = drawn(function=1), jnp.arange(5.0) / 3, jnp.asarray([1.0, -2.0, 0.0, 3.0, 1.0])

    def slope(p):
        return family.oracle(data, p, None, {})[1]

    np.testing.assert_allclose(jax.jvp(slope, (p,), (v,))[1], 2 * v, atol=0.05)
    np.testing.assert_allclose(jax.jit(jax.jacfwd(slope))(p), 2 * np.eye(5), atol=0.05)


def test_the_box_has_the_same_function_and_a_call_is_worth_its_evaluations():
    data = drawn(function=17, d=10)
    box = family.box(data)
    points = np.random.default_rng(0).uniform(-5, 5, (4, 10))
    np.testing.assert_allclose(
        box.values(points) - box.least, [family.metric(data, point) for point in points], rtol=1e-12
    )
    assert (box.d, box.per_call) == (10, 11)
