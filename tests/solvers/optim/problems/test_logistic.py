"""Logistic regression: the known optimum of breast_cancer, and the published iteration counts on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems.logistic import family

L = 3.3214019


def gradient_descent(p, g, state, _):
    return p - g / L, state


def heavy_ball(p, g, last, _):
    return p - g / L + 0.99 * (p - last), p


def nesterov(p, g, last, t):
    here = p - g / L
    return here + (t - 1) / (t + 2) * (here - last), here


def adam(p, g, state, t):
    m, v = 0.9 * state[0] + 0.1 * g, 0.999 * state[1] + 0.001 * g * g
    return p - m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), (m, v)


@pytest.mark.parametrize(
    ("step", "init", "published"),
    [
        (gradient_descent, jnp.copy, 10163),
        (heavy_ball, jnp.copy, 1305),
        (nesterov, jnp.copy, 695),
        (adam, lambda p: (p, p), 157),
    ],
)
def test_methods_take_as_many_iterations_as_published(problem, trace, calls, step, init, published):
    metric = trace(family, problem(family), step, round(1.3 * published), init=init)
    assert calls(metric, 1e-6) == pytest.approx(published, rel=0.01)


def test_newton_takes_eight_iterations(problem, trace, calls):
    data = problem(family)

    def newton(p, g, state, _):
        hessian = jax.jacfwd(lambda x: family.oracle(data, x, None, {})[1])(p)
        return p - jnp.linalg.solve(hessian, g), state

    assert 6 <= calls(trace(family, data, newton, 12), 1e-6) <= 9


def test_the_optimum_and_the_smoothness_of_breast_cancer_are_the_known_ones(problem):
    data = problem(family)
    assert data["best"] == pytest.approx(0.0598294718818, abs=1e-12)
    rows = data["signed"]
    assert np.linalg.eigvalsh(rows.T @ rows / len(rows) / 4)[-1] + data["l2"] == pytest.approx(L, rel=1e-6)


@pytest.mark.parametrize("knobs", [{"rows": 0.8}, {"planted": 300, "d": 10}, {"rows": 0.5, "l2": 1e-2}])
def test_the_metric_is_one_at_the_start_and_zero_where_the_gradient_vanishes(problem, slope_error, knobs):
    data = problem(family, **knobs)
    p = jnp.asarray(family.start(data, np.random.default_rng(0)))
    assert family.metric(data, p) == pytest.approx(1)
    assert slope_error(family, data, p + 0.1) < 1e-6
    for _ in range(20):
        g = family.oracle(data, p, None, {})[1]
        p = p - jnp.linalg.solve(jax.jacfwd(lambda x: family.oracle(data, x, None, {})[1])(p), g)
    assert jnp.abs(g).max() < 1e-10
    assert abs(family.metric(data, p)) < 1e-12


def test_a_seed_picks_the_rows(problem):
    one, same, other = (problem(family, seed, rows=0.8) for seed in (0, 0, 1))
    assert (one["signed"] == same["signed"]).all()
    assert not (one["signed"] == other["signed"]).all()
