"""Quadratics: their spectrum, their optimum, and the published iteration counts."""

import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems.least_squares import family

L, MU = 1e3, 1.0
SMALL = (np.sqrt(L) - np.sqrt(MU)) / (np.sqrt(L) + np.sqrt(MU))


def gradient_descent(p, g, state, _):
    return p - g / L, state


def heavy_ball(p, g, last, _):
    return p - 4 / (np.sqrt(L) + np.sqrt(MU)) ** 2 * g + SMALL**2 * (p - last), p


def nesterov(p, g, last, _):
    here = p - g / L
    return here + SMALL * (here - last), here


@pytest.mark.parametrize(
    ("step", "published"), [(gradient_descent, 1841), (heavy_ball, 185), (nesterov, 130)], ids=lambda x: str(x)[:16]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_methods_take_as_many_iterations_as_published(problem, trace, calls, step, published, seed):
    metric = trace(family, problem(family, seed), step, 2500, init=lambda p: p)
    assert calls(metric, 1e-6) == pytest.approx(published, rel=0.3)


def test_the_spectrum_runs_from_one_to_the_condition(problem):
    values = np.linalg.eigvalsh(problem(family)["hessian"])
    assert values == pytest.approx(np.logspace(0, 3, 50), rel=1e-9)


@pytest.mark.parametrize("clusters", [1, 3, 26, 30, 49, 50])
def test_however_many_clusters_there_are_each_is_there_and_the_condition_holds(problem, clusters):
    values = np.linalg.eigvalsh(problem(family, clusters=clusters, kappa=1e4)["hessian"])
    assert len(np.unique(np.round(np.log(values), 6))) == clusters
    if clusters > 1:
        np.testing.assert_allclose(values.max() / values.min(), 1e4)


def test_clusters_are_the_only_eigenvalues(problem):
    values = np.linalg.eigvalsh(problem(family, clusters=5)["hessian"])
    assert len(np.unique(values.round(6))) == 5


def test_the_gradient_is_that_of_the_loss_and_vanishes_at_the_optimum(problem, slope_error):
    data = problem(family)
    assert slope_error(family, data, jnp.ones(50)) < 1e-6
    loss, g = family.oracle(data, data["optimum"], None, {})
    assert loss == data["least"] > 0
    assert not g.any()
    assert family.metric(data, data["optimum"]) == 0


def test_a_run_starts_at_a_metric_of_one(problem):
    data = problem(family)
    assert family.metric(data, family.start(data, np.random.default_rng(0))) == pytest.approx(1)
