"""Policies: geometric steps are fast, constant ones slow, and immense ones no way around."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems import _mdp
from slotforge.solvers.optim.problems.policy import family


def mirror_descent(eta, growth=1.0):
    return lambda p, g, s, t: (p - eta * growth ** (t - 1) * g, s)


@pytest.fixture
def mean_loss():
    def mean(data, p):
        return -_mdp.values(data, jax.nn.softmax(p, axis=-1))[0].mean()

    return mean


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_geometric_steps_take_as_many_iterations_as_published(problem, trace, calls, seed):
    metric = trace(family, problem(family, seed), mirror_descent(1.0, 1 / 0.9), 80)
    assert calls(metric, 1e-6) == pytest.approx(61, rel=0.3)


def test_constant_steps_are_at_least_three_times_slower(problem, trace, calls):
    data = problem(family)
    geometric = calls(trace(family, data, mirror_descent(1.0, 1 / 0.9), 80), 1e-6)
    for eta in (10.0, 20.0, 1e9):
        assert calls(trace(family, data, mirror_descent(eta), 3 * geometric), 1e-6) == np.inf


def test_an_immense_step_hardly_moves(problem, trace):
    metric = trace(family, problem(family), mirror_descent(1e9), 50)
    assert metric.min() > 0.99 * metric[0]


def test_policy_iteration_cut_to_legal_steps_still_takes_more_than_its_four(problem, trace, calls):
    def greedy(p, g, s, _):
        return p + _mdp.REACH * (g == g.min(axis=-1, keepdims=True)), s

    assert 8 <= calls(trace(family, problem(family), greedy, 30), 1e-6) <= 20


def test_the_gradient_of_the_mean_value_is_slow_with_constant_steps(problem, trace):
    data = problem(family, oracle=1)
    assert trace(family, data, mirror_descent(100.0), 500)[-1] > 1e-4


def test_a_step_is_cut_by_how_much_it_is_too_long():
    p = jnp.zeros((3, 2))
    move = jnp.zeros((3, 2)).at[1, 0].set(1.0)
    for length, moved in ((2.0, 2.0), (4.0, 1.0), (40.0, 0.1)):
        assert _mdp.soften(p, p + length * move)[1, 0] == pytest.approx(moved)
    hard = 10 * move
    assert _mdp.soften(hard, hard + 5 * move) == pytest.approx(np.asarray(15 * move))
    assert _mdp.soften(hard, hard + 20 * move)[1, 0] == pytest.approx(10.2)


def test_a_shift_of_all_logits_of_a_state_is_no_move():
    p = jnp.asarray([[1.0, 0.0], [0.0, 0.0]])
    answer = p + jnp.asarray([[-1e6], [3.0]])
    assert _mdp.soften(p, answer) == pytest.approx(np.asarray(answer))


def test_the_oracle_gives_the_values_of_the_actions(problem):
    data = problem(family)
    policy = np.full((50, 5), 0.2)
    q = np.zeros((50, 5))
    for _ in range(400):
        q = np.asarray(data["rewards"]) + 0.9 * np.asarray(data["chances"]) @ (policy * q).sum(axis=-1)
    loss, g = family.oracle(data, jnp.zeros((50, 5)), None, {})
    assert -g == pytest.approx(q, abs=1e-12)
    assert -loss == pytest.approx((policy * q).sum(axis=-1).mean())


def test_the_other_oracle_gives_the_gradient_of_the_mean_value(problem, mean_loss):
    data = problem(family, oracle=1, states=10)
    p = jnp.asarray(np.random.default_rng(0).standard_normal((10, 5)))
    loss, g = family.oracle(data, p, None, {})
    assert loss == pytest.approx(mean_loss(data, p))
    assert g == pytest.approx(np.asarray(jax.grad(mean_loss, argnums=1)(data, p)), abs=1e-12)


def test_the_best_values_satisfy_the_optimality_equation_and_are_reached_by_greedy_logits(problem):
    for gamma in (0.9, 0.99):
        data = problem(family, gamma=gamma)
        q = data["rewards"] + gamma * data["chances"] @ data["best"]
        assert q.max(axis=-1) == pytest.approx(np.asarray(data["best"]), abs=1e-10)
        greedy = 1e3 * (q == q.max(axis=-1, keepdims=True))
        assert family.metric(data, greedy) == pytest.approx(0, abs=1e-10)


def test_a_process_has_the_asked_branches(problem):
    chances = np.asarray(problem(family, branches=3)["chances"])
    assert ((chances > 0).sum(axis=-1) == 3).all()
    assert chances.sum(axis=-1) == pytest.approx(1)
