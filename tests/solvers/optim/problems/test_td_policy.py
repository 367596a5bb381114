"""Policies from samples: what a sample is, and that its noise is heavy."""

import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems.policy import family as exact
from slotforge.solvers.optim.problems.td_policy import family


def table_of(data, steps, seed=0):
    return family.table(data, steps, np.random.default_rng(seed))


def test_two_thousand_samples_are_drawn_in_each_call(problem):
    data = problem(family)
    counts = table_of(data, 3)["counts"]
    assert counts.shape == (3, 50, 5, 5)
    assert (counts.sum(axis=-1) == 8).all()
    assert counts[0].sum() == 2000


def test_samples_follow_the_chances_of_the_process(problem):
    data = problem(family, states=5, each=100)
    counts = table_of(data, 200)["counts"].mean(axis=0) / 100
    chances = np.take_along_axis(np.asarray(data["chances"]), np.asarray(data["successors"]), axis=-1)
    assert counts == pytest.approx(chances, abs=0.02)


def test_with_many_quiet_samples_the_estimate_is_near_the_exact_values(problem):
    data = problem(family, states=10, each=100, noise=0.0)
    p = jnp.asarray(np.random.default_rng(0).standard_normal((10, 5)))
    row = {name: jnp.asarray(rows[0]) for name, rows in table_of(data, 1).items()}
    _, q = exact.oracle(data, p, None, {})
    _, estimate = family.oracle(data, p, row, {})
    assert 0 < jnp.abs(estimate - q).max() < 0.3


@pytest.mark.parametrize(("tail", "heavy"), [(1.3, True), (30.0, False)])
def test_the_index_of_the_tail_says_how_heavy_the_noise_is(problem, tail, heavy):
    blur = np.abs(table_of(problem(family, tail=tail, states=20), 50)["blur"])
    assert (blur.max() > 100 * np.median(blur)) == heavy


def test_estimates_differ_between_steps_and_the_goal_needs_more_than_one(problem, trace, calls):
    data = problem(family, 1)
    metric = trace(family, data, lambda p, g, s, _: (p - g, s), 400)
    assert 20 < calls(metric, family.goal) < 400


def test_many_samples_are_counted_without_going_round():
    data = family.draw({**family.knobs, "each": 300}, np.random.default_rng(0))
    counts = family.table(data, 2, np.random.default_rng(1))["counts"]
    assert (counts.astype(int).sum(axis=-1) == 300).all()
