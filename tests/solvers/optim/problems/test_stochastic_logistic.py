"""Small batches: what a batch is, what it costs, and that noise is what keeps a rule from the optimum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems import _samples
from slotforge.solvers.optim.problems.stochastic_logistic import LARGEST, family


def row_of(data, seed=0):
    return jnp.asarray(family.table(data, 1, np.random.default_rng(seed))[0])


def test_a_fifth_of_the_digits_is_held_out(problem):
    data = problem(family)
    assert (len(data["train"]), len(data["test"])) == (1438, 359)
    assert data["train"].shape[1] == 65


def test_the_gradient_is_that_of_the_loss_on_the_batch(problem, slope_error):
    data = problem(family)
    for control in ({}, {"batch": jnp.asarray(3.0)}):
        assert slope_error(family, data, jnp.full(65, 0.1), row_of(data), control) < 1e-6


def test_a_batch_that_is_asked_for_is_what_is_seen_and_paid(problem):
    data, p = problem(family), jnp.full(65, 0.1)
    row = row_of(data)
    rows = data["train"][row[:64]]
    share = jax.nn.sigmoid(-(rows @ p))
    _, g = family.oracle(data, p, row, {"batch": jnp.asarray(2.0)})
    assert g == pytest.approx(np.asarray(data["l2"] * p - rows.T @ share / 64), abs=1e-12)
    assert family.charge({"batch": jnp.asarray(2.0)}) == 2
    assert family.charge({"batch": jnp.asarray(1e9)}) == LARGEST
    assert family.charge({"batch": jnp.asarray(0.0)}) == family.charge({}) == 1


def test_the_metric_is_one_at_the_start_zero_at_the_optimum_and_never_below(problem):
    data = problem(family)
    x = np.asarray(data["train"])
    best = _samples.solve(x, np.ones(len(x)), 1e-2)
    assert family.metric(data, jnp.zeros(65)) == pytest.approx(1)
    assert family.metric(data, jnp.asarray(best)) == pytest.approx(0, abs=1e-12)
    nearby = best + 0.1 * np.random.default_rng(0).standard_normal((50, 65))
    assert min(family.metric(data, p) for p in jnp.asarray(nearby)) > 0


@pytest.mark.parametrize("seed", [0, 1])
def test_steps_that_shrink_reach_what_large_constant_ones_do_not(problem, trace, calls, seed):
    data = problem(family, seed)
    shrinking = trace(family, data, lambda p, g, s, t: (p - 25 / (50 + t) * g, s), 900, seed=seed)
    constant = trace(family, data, lambda p, g, s, _: (p - g, s), 900, seed=seed)
    assert calls(shrinking, family.goal) < 600
    assert calls(constant, family.goal) == np.inf


def test_samples_are_read_whole_and_standardised():
    x, y = _samples.tumours()
    assert x.shape == (569, 30)
    assert (y > 0).sum() == 357
    scaled = _samples.design(x)
    assert scaled[:, :-1].mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert scaled[:, :-1].std(axis=0) == pytest.approx(1)
    assert (scaled[:, -1] == 1).all()
    assert _samples.digits()[0].shape == (1797, 64)
