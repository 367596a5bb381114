"""Robust completion: sub-gradient steps are as fast as they decay, if they decay geometrically."""

import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems.completion import family


def geometric(decay):
    return lambda p, g, s, t: (p - decay ** (t - 1) * g / jnp.linalg.norm(g), s)


@pytest.mark.parametrize(("decay", "published"), [(0.98, 547), (0.99, 1097)])
@pytest.mark.parametrize("seed", [0, 2])
def test_geometric_steps_take_as_many_iterations_as_published(problem, trace, calls, decay, published, seed):
    metric = trace(family, problem(family, seed), geometric(decay), 1450)
    assert calls(metric, 1e-6) == pytest.approx(published, rel=0.3)


def test_steps_with_the_root_of_time_are_far_from_it_after_three_thousand(problem, trace):
    metric = trace(family, problem(family), lambda p, g, s, t: (p - g / jnp.linalg.norm(g) / jnp.sqrt(t), s), 3000)
    assert 1e-4 < metric[-1] < 1e-2


def test_the_gradient_is_that_of_the_loss_away_from_kinks(problem, slope_error):
    data = problem(family, n=20)
    assert slope_error(family, data, jnp.asarray(np.random.default_rng(5).standard_normal((2, 20, 3)))) < 1e-4


def test_the_loss_at_the_planted_factors_is_that_of_the_outliers_alone(problem):
    data = problem(family)
    planted = jnp.stack([data["left"], data["right"]])
    off = np.abs(np.asarray((data["left"] @ data["right"].T - data["seen"]) * (data["mask"] > 0)))
    assert (off > 1e-9).sum() == 180
    assert family.oracle(data, planted, None, {})[0] == pytest.approx(off.sum() / 1800)
    assert family.metric(data, planted) == 0
    assert family.rank(data) == 3


def test_half_of_the_entries_is_seen(problem):
    data = problem(family)
    assert (data["mask"] > 0).sum() == 1800
    assert data["mask"].sum() == pytest.approx(1)
    assert not data["seen"][data["mask"] == 0].any()


def test_the_start_knows_something_but_not_enough(problem):
    data = problem(family)
    start = jnp.asarray(family.start(data, np.random.default_rng(0)))
    assert 0.5 < family.metric(data, start) < 0.95
