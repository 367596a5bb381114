"""Matrix sensing: over-parameterised, plain descent is slow, and preconditioning is not."""

import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems.matrix_sensing import family

SMALL = {"n": 20, "m": 200}


def descent(p, g, state, _):
    return p - 0.2 * g, state


def scaled(p, g, state, _):
    return p - 0.5 * g @ jnp.linalg.inv(p.T @ p), state


def preconditioned(data):
    def step(p, g, state, _):
        damping = 2 * jnp.sqrt(family.oracle(data, p, None, {})[0])
        return p - 0.5 * g @ jnp.linalg.inv(p.T @ p + damping * jnp.eye(p.shape[1])), state

    return step


def test_methods_take_as_many_iterations_as_published_with_the_exact_rank(problem, trace, calls):
    data = problem(family)
    assert calls(trace(family, data, descent, 1600), 1e-6) == pytest.approx(1205, rel=0.3)
    assert calls(trace(family, data, scaled, 100), 1e-6) == pytest.approx(54, rel=0.3)


def test_preconditioning_keeps_the_rate_that_descent_loses_with_too_many_columns(problem, trace, calls):
    data = problem(family, k=10)
    assert trace(family, data, descent, 1600)[-1] > 1e-4
    assert calls(trace(family, data, preconditioned(data), 200), 1e-6) == pytest.approx(127, rel=0.3)


def test_the_search_is_small_and_the_holdout_has_the_published_size():
    assert {(knobs["n"], knobs["m"]) for knobs in family.splits["search"]} == {(20, 200)}
    assert {} in family.splits["holdout"]


def test_the_gradient_is_that_of_the_loss_and_vanishes_at_the_planted_factor(problem, slope_error):
    data = problem(family, **SMALL)
    assert slope_error(family, data, jnp.asarray(np.random.default_rng(0).standard_normal((20, 2)))) < 1e-6
    loss, g = family.oracle(data, data["factor"], None, {})
    assert loss < 1e-28
    assert jnp.abs(g).max() < 1e-13
    assert family.metric(data, data["factor"]) == 0
    assert family.rank(data) == 2


def test_in_expectation_the_gradient_is_that_of_the_distance_of_the_matrices(problem):
    data = problem(family, n=5, m=20_000)
    p = jnp.asarray(np.random.default_rng(0).standard_normal((5, 2)))
    _, g = family.oracle(data, p, None, {})
    expected = (p @ p.T - data["factor"] @ data["factor"].T) @ p
    assert jnp.linalg.norm(g - expected) < 0.07 * jnp.linalg.norm(expected)


def test_the_matrix_has_norm_one_and_the_asked_condition(problem):
    factor = problem(family, kappa=30)["factor"]
    values = np.linalg.eigvalsh(factor.T @ factor)
    assert values == pytest.approx([1 / 30, 1])


def test_runs_start_near_zero_and_differ_by_seed(problem):
    data = problem(family, **SMALL, k=6)
    one, other = (family.start(data, np.random.default_rng(seed)) for seed in (0, 1))
    assert one.shape == (20, 6)
    assert 5e-4 < one.std() < 2e-3
    assert not (one == other).any()
