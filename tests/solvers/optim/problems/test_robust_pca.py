"""Robust PCA: the gradient carries the data, and alternating projections recover the low-rank part."""

import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems.robust_pca import family


def alternating(rank, share, decay):
    def step(p, g, threshold, t):
        seen = p - g
        outliers = jnp.where(jnp.abs(g) > threshold, -g, 0.0)
        u, s, vt = jnp.linalg.svd(seen - outliers, full_matrices=False)
        return (u[:, :rank] * s[:rank]) @ vt[:rank], share * (s[rank] + decay**t * s[0])

    return step


def test_alternating_projections_take_as_many_iterations_as_published(problem, trace, calls):
    data, share = problem(family), 0.5 / np.sqrt(200)
    first = share * np.linalg.norm(data["seen"], 2)
    metric = trace(family, data, alternating(5, share, 0.7), 33, init=lambda _: first)
    assert calls(metric, 1e-6) == pytest.approx(25, rel=0.3)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_problems_of_the_search_can_be_solved(problem, trace, calls, seed):
    data, share = problem(family, seed, **family.splits["search"][0]), 0.8 / np.sqrt(50)
    first = share * np.linalg.norm(data["seen"], 2)
    metric = trace(family, data, alternating(2, share, 0.8), 50, init=lambda _: first)
    assert calls(metric, 1e-6) < 50


def test_the_gradient_gives_the_data_and_is_that_of_the_loss(problem, slope_error):
    data = problem(family, n=30)
    p = jnp.asarray(np.random.default_rng(0).standard_normal((30, 30)))
    assert slope_error(family, data, p) < 1e-6
    assert p - family.oracle(data, p, None, {})[1] == pytest.approx(np.asarray(data["seen"]), abs=1e-12)


def test_a_tenth_of_the_entries_is_off_by_at_most_five_means(problem):
    data = problem(family, n=40)
    low = data["left"] @ data["right"].T
    off = np.asarray(data["seen"] - low)
    assert (np.abs(off) > 1e-9).sum() == 160
    assert 3 < np.abs(off).max() / np.abs(low).mean() <= 5
    assert family.metric(data, low) == 0
    assert family.rank(data) == 5
