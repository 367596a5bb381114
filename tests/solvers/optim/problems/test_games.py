"""Games: which steps run in circles, which come to the saddle, and what the point means."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

from slotforge.solvers.optim.problems import bilinear, matrix_game


def optimistic(lr):
    def step(p, g, last, t):
        return p - lr * (g + jnp.where(t == 1, 0, g - last)), g

    return step


def ahead(family, data, lr):
    return lambda p, g, s, _: (p - lr * family.oracle(data, p - lr * g, None, {})[1], s)


def plain(lr):
    return lambda p, g, s, _: (p - lr * g, s)


@pytest.mark.parametrize("knobs", [{}, {"curve": 0.1}])
def test_a_bilinear_operator_is_the_slope_of_one_player_and_minus_that_of_the_other(problem, knobs):
    data = problem(bilinear.family, **knobs)
    p = jnp.asarray(np.random.default_rng(0).standard_normal((2, 20)))
    slopes = jax.grad(lambda p: bilinear.family.oracle(data, p, None, {})[0])(p)
    np.testing.assert_allclose(bilinear.family.oracle(data, p, None, {})[1], [slopes[0], -slopes[1]], atol=1e-12)
    assert bilinear.family.metric(data, data["saddle"]) == 0
    assert bilinear.family.metric(data, jnp.zeros((2, 20))) == 1
    assert not np.any(bilinear.family.oracle(data, data["saddle"], None, {})[1])


def test_descent_and_ascent_diverge_on_a_bilinear_game_where_a_correction_converges(problem, trace, calls):
    data = problem(bilinear.family, smallest=0.3)
    assert trace(bilinear.family, data, plain(0.1), 2000)[-1] > 100
    assert calls(trace(bilinear.family, data, optimistic(0.5), 2000), 1e-6) == pytest.approx(1100, rel=0.2)
    assert calls(trace(bilinear.family, data, ahead(bilinear.family, data, 0.7), 1000), 1e-6) < 700


def test_the_canonical_bilinear_game_takes_what_is_published(problem, trace, calls):
    data = problem(bilinear.family)
    assert calls(trace(bilinear.family, data, ahead(bilinear.family, data, 0.7), 6000), 1e-6) == pytest.approx(
        5211, rel=0.3
    )
    assert calls(trace(bilinear.family, data, optimistic(0.5), 12000), 1e-6) == pytest.approx(10152, rel=0.3)


def test_going_to_the_origin_solves_no_bilinear_game(problem, trace):
    data = problem(bilinear.family)
    assert trace(bilinear.family, data, lambda p, _g, s, _t: (0.9 * p, s), 100).min() > 0.99


def test_the_gap_of_a_matrix_game_is_zero_at_its_equilibrium_and_never_below(problem):
    data = problem(matrix_game.family, n=6)
    x, y = (equilibrium(np.asarray(a)) for a in (data["payoff"], -data["payoff"].T))
    logits = jnp.log(jnp.maximum(jnp.stack([x, y]), 1e-300))
    assert matrix_game.family.metric(data, logits) == pytest.approx(0, abs=1e-9)
    anywhere = jnp.asarray(np.random.default_rng(0).standard_normal((50, 2, 6)))
    assert min(matrix_game.family.metric(data, p) for p in anywhere) > 0.01


def equilibrium(payoff):
    """Return the strategy of the player who chooses rows and pays, by linear programming."""
    n = len(payoff)
    solved = linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=np.column_stack([payoff.T, -np.ones(n)]),
        b_ub=np.zeros(n),
        A_eq=[np.append(np.ones(n), 0.0)],
        b_eq=[1.0],
        bounds=[(0, None)] * n + [(None, None)],
    )
    return solved.x[:n] / solved.x[:n].sum()


def test_a_matrix_game_gives_the_slope_in_the_strategies_of_each_player(problem):
    data = problem(matrix_game.family, n=6)
    p = jnp.asarray(np.random.default_rng(0).standard_normal((2, 6)))
    x, y = jax.nn.softmax(p, axis=-1)
    pays = lambda x, y: x @ data["payoff"] @ y  # noqa: E731
    value, g = matrix_game.family.oracle(data, p, None, {})
    assert value == pytest.approx(pays(x, y))
    np.testing.assert_allclose(g, [jax.grad(pays)(x, y), -jax.grad(pays, 1)(x, y)], atol=1e-12)


@pytest.mark.parametrize("seed", [1, 2])
def test_multiplicative_weights_circle_where_optimistic_ones_converge(problem, trace, calls, seed):
    data = problem(matrix_game.family, seed, n=10)
    weights = trace(matrix_game.family, data, plain(0.5), 16000)
    assert weights[-4000:].min() > 0.1
    assert calls(trace(matrix_game.family, data, optimistic(0.75), 16000), 1e-3) < 16000


def test_a_skew_game_is_fair_and_payoffs_of_low_rank_are_so(problem):
    skew = problem(matrix_game.family, skew=1)["payoff"]
    np.testing.assert_array_equal(skew, -skew.T)
    assert np.linalg.matrix_rank(problem(matrix_game.family, n=30, rank=5)["payoff"]) == 5
