"""Runs that advance together in JAX."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slotforge.core.ids import generator
from slotforge.solvers.optim import case
from slotforge.solvers.optim.simulate import Program

BUDGET = 70
MOMENTUM = (
    'm = hp["beta"] * state["m"] + g\nreturn p - hp["lr"] * m, {"m": m}',
    'return {"m": xp.zeros_like(p)}',
    '{"lr": (0.1, 1e-3, 10.0, "log"), "beta": (0.5, 0.0, 0.99, "linear")}',
)


def prepared(family, rule):
    data = family.draw({}, generator("problem"))
    program = Program(family=family, rule=rule)
    program.inspect(data)
    return program, data


@pytest.fixture(scope="module")
def programs():
    return {}


def kept(programs, name, family, rule):
    if name not in programs:
        programs[name] = prepared(family, rule)
    return programs[name]


@given(st.lists(st.floats(0.01, 3), min_size=1, max_size=3), st.sampled_from([[1], [1, 2], [7, 2, 5]]))
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_runs_do_not_influence_one_another(programs, noisy, step, never, rates, seeds):
    program, data = kept(programs, "momentum", noisy(), step(*MOMENTUM))
    hps = [{"step.lr": rate, "step.beta": 0.5} for rate in rates]
    together = program.run(data, hps, seeds, budget=BUDGET, enough=never)
    alone = program.run(data, hps[-1:], seeds[-1:], budget=BUDGET, enough=never)
    np.testing.assert_allclose(together.metric[:, -1, -1], alone.metric[:, 0, 0], rtol=1e-10)
    goal = float(np.nanmin(alone.metric)) * 1.5
    assert np.array_equal(together.hits(goal, 0.0)[:, -1, -1], alone.hits(goal, 0.0)[:, 0, 0])


@given(st.integers(1, 130), st.integers(1, 130))
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_smaller_budget_only_loses_hits(programs, noisy, step, never, one, other):
    rule = step('return p - hp["lr"] * (1 - 0.5 * t / aux.horizon) * g, {}')
    program, data = kept(programs, "planned", noisy(stride=3), rule)
    less, more = (
        program.run(data, [{"step.lr": 0.1}], [1, 2], budget=budget, enough=never, horizon=200).hits(0.1, 0.0)
        for budget in sorted((one, other))
    )
    least = min(one, other)
    assert np.array_equal(np.where(less <= least, less, np.inf), np.where(more <= least, more, np.inf))


def test_all_rules_see_the_same_samples(noisy, step, never):
    moved = []
    for rate in (1.0, 2.0):
        program, data = prepared(noisy(pure=True, noise=1.0), step(f"return p - {rate} * g, {{}}"))
        start = program.family.start(data, generator(4, "start"))
        program.family.metric = lambda _, p, start=start: (p - start)[0]
        moved.append(program.run(data, [{"step.lr": 0.1}], [4], budget=100, enough=never).metric.ravel())
    np.testing.assert_allclose(2 * moved[0], moved[1], rtol=1e-9)
    assert len(np.unique(np.round(np.diff(moved[0]), 9))) > 60


def test_a_run_that_breaks_down_stays_so_and_spoils_no_other(noisy, step, never):
    rule = step('x = xp.where(t == 5, g / (hp["lr"] - 1), g)\nreturn p - hp["lr"] * xp.where(t > 5, g, x), {}')
    program, data = prepared(noisy(), rule)
    runs = program.run(data, [{"step.lr": 1.0}, {"step.lr": 0.1}], [1], budget=BUDGET, enough=never)
    assert np.isfinite(runs.metric[:4]).all()
    assert np.isinf(runs.metric[4:, 0]).all()
    assert np.isfinite(runs.metric[:, 1]).all()


def test_questions_and_batches_are_paid_for(noisy, step, never):
    asking = step('return p - hp["lr"] * aux.grad(p), {}')
    growing = step(
        'return p - hp["lr"] * g, {"batch": state["batch"] + 1}', 'return {"batch": xp.ones_like(xp.sum(p))}'
    )
    both = step(
        'return p - aux.hvp(hp["lr"] * g), {"batch": state["batch"] * 3}', 'return {"batch": xp.ones_like(xp.sum(p))}'
    )
    for rule, wanted in ((asking, [2, 4, 6, 8]), (growing, [1, 3, 6, 10]), (both, [3, 12, 39, 120])):
        program, data = prepared(noisy(), rule)
        calls = program.run(data, [{"step.lr": 0.1}], [1], budget=20, enough=never).calls
        assert calls[:4, 0, 0].tolist() == wanted


def test_a_rule_that_asks_of_the_whole_point_sees_it_as_one_array(noisy, step):
    seen = []
    for update in ("return p - g, {}", "return p - aux.grad(p), {}"):
        rule = step(update)
        program, _ = prepared(noisy(leaves=True), rule)
        seen.append((program.stepper.whole, program.spent.calls))
    assert seen == [(False, 0), (True, 1)]


@pytest.mark.parametrize(
    ("update", "init", "said"),
    [
        ('return p - g, {"m": g[:2]}', 'return {"m": xp.zeros_like(p)}', r"state of p step m: float64\[4\] becomes"),
        ('return p - g, {"k": g}', 'return {"m": xp.zeros_like(p)}', "init gives state of p step m, and update gives"),
        ("return xp.stack([p, g]), {}", "return {}", r"the point: float64\[4\] becomes float64\[2, 4\]"),
        ('return (p if hp["lr"] > 1 else g), {}', "return {}", "boolean"),
        ("return (p if t > 1 else g), {}", "return {}", "boolean"),
    ],
)
def test_what_changes_its_shape_or_branches_on_values_is_refused_before_anything_is_compiled(
    noisy, step, update, init, said
):
    with pytest.raises(TypeError, match=said):
        prepared(noisy(), step(update, init))


@pytest.mark.parametrize("fact", ["value", "norm", "noise", "horizon", "rank", "spread", "parent"])
def test_what_a_rule_may_know_keeps_it_in_the_single_precision_of_a_network(step, fact):
    family = case.family("mlp")
    data = family.draw({**family.knobs, "width": 4}, generator("problem"))
    rule = step(f'return p - hp["lr"] * g * xp.sum(xp.ones_like(t) * aux.{fact}), {{}}')
    Program(family=family, rule=rule).inspect(data)


def test_it_stops_when_it_is_enough(noisy, step):
    program, data = prepared(noisy(noise=0.0), step('return p - hp["lr"] * g, {}'))
    runs = program.run(data, [{"step.lr": 0.5}], [1], budget=1e6, enough=lambda r: bool((r.metric < 1e-6).any()))
    assert len(runs.metric) == program.chunk
