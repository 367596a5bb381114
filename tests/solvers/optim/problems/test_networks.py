"""Nodes of a network: what they may add, who comes to the minimiser, and where samples belong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems import _network, decentralised, node_sampling
from slotforge.testing.rule_runs import calls as reached
from slotforge.testing.rule_runs import runs


def descend(family, data, lr):
    return lambda p, g, s, _: (family.mix(data, p) - lr * g, s)


def track(family, data, lr):
    def step(p, g, state, _):
        track = family.mix(data, state[0]) + g - state[1]
        return family.mix(data, p - lr * track), (track, g)

    return step


def zeros(p):
    return jnp.zeros_like(p), jnp.zeros_like(p)


@pytest.mark.parametrize("graph", [0, 1, 2])
@pytest.mark.parametrize("nodes", [2, 3, 16])
def test_an_average_over_neighbours_keeps_the_mean_and_takes_from_no_one_else(nodes, graph):
    weights = _network.weights(nodes, graph)
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights >= 0).all()
    if nodes == 16:
        assert np.count_nonzero(weights) == {0: 48, 1: 256, 2: 16 + 30}[graph]


def test_the_canonical_ring_has_the_published_gap():
    values = np.sort(np.abs(np.linalg.eigvalsh(_network.weights(16, 0))))
    assert 1 - values[-2] == pytest.approx(0.0507, abs=1e-4)
    np.testing.assert_allclose(_network.weights(16, 0)[0, [15, 0, 1]], 1 / 3)


def test_each_node_is_given_the_slope_of_its_own_loss(problem):
    data = problem(decentralised.family)
    p = jnp.asarray(np.random.default_rng(0).standard_normal((16, 10)))
    _, g = decentralised.family.oracle(data, p, None, {})
    slopes = jax.grad(lambda p: decentralised.family.oracle(data, p, None, {})[0])(p)
    np.testing.assert_allclose(g, 16 * slopes, atol=1e-10)


def at_the_minimiser(data):
    return jnp.take_along_axis(jnp.broadcast_to(data["best"], data["order"].shape), data["order"], axis=1)


def test_the_metric_is_zero_at_the_minimiser_of_the_mean(problem):
    data = problem(decentralised.family)
    p = at_the_minimiser(data)
    assert decentralised.family.metric(data, p) == pytest.approx(0, abs=1e-20)
    assert decentralised.family.metric(data, jnp.zeros((16, 10))) == pytest.approx(1)
    _, g = decentralised.family.oracle(data, p, None, {})
    assert np.abs(shared_mean(data, g)).max() < 1e-10 < np.abs(g).max()


def shared_mean(data, x):
    return jnp.take_along_axis(x, data["back"], axis=1).mean(axis=0)


def test_mixing_translates_and_keeps_the_mean_and_what_all_agree_on(problem):
    data, family = problem(decentralised.family), decentralised.family
    x = jnp.asarray(np.random.default_rng(0).standard_normal((16, 10)))
    np.testing.assert_allclose(shared_mean(data, family.mix(data, x)), shared_mean(data, x), atol=1e-12)
    np.testing.assert_allclose(family.mix(data, at_the_minimiser(data)), at_the_minimiser(data), atol=1e-12)
    np.testing.assert_allclose(family.mix(data, jnp.ones((16, 10))), 1)
    np.testing.assert_allclose(family.mix(data, jnp.arange(16.0)), data["weights"] @ np.arange(16))


def test_an_average_that_is_not_sent_over_the_network_does_not_help(problem, trace):
    data, family = problem(decentralised.family), decentralised.family
    cheat = trace(family, data, lambda p, g, s, _: (p - 0.1 * g.mean(axis=0), s), 500)
    fair = trace(family, problem(family, graph=1), track(family, problem(family, graph=1), 0.1), 500, zeros)
    assert cheat.min() > 0.1
    assert fair[-1] < 1e-6


def test_decentralised_descent_is_biased_and_gradient_tracking_is_exact(problem, trace, calls):
    data, family = problem(decentralised.family), decentralised.family
    plain = trace(family, data, descend(family, data, 0.05), 3000)
    tracking = trace(family, data, track(family, data, 0.05), 3000, zeros)
    assert plain[-1000:].mean() > 0.05
    assert tracking[-1000:].mean() < 1e-20
    assert calls(tracking, family.goal) < 1000


def test_samples_are_positive_shares_of_a_fixed_total():
    sigma = jnp.ones(4)
    for asked in ([1, 2, 3, 4], [0, 0, 0, 1], [-1, 1, 1, 1], [0, 0, 0, 0], [np.nan, 1, 1, 1], [np.inf, 1, 1, 1]):
        share = node_sampling.shares({"weights": jnp.asarray(asked, dtype=float)}, sigma)
        assert share.mean() == pytest.approx(1)
        assert (share > 0).all()
    np.testing.assert_allclose(node_sampling.shares({"weights": jnp.asarray([1.0, 3.0])}, sigma[:2]), [0.5, 1.5])
    np.testing.assert_array_equal(node_sampling.shares({}, sigma), 1)


def test_noise_falls_with_the_samples_of_a_node(problem):
    data, family = problem(node_sampling.family), node_sampling.family
    p, row = jnp.zeros((16, 10)), jnp.ones((16, 10))
    _, exact = decentralised.family.oracle(data, p, None, {})
    noise = family.oracle(data, p, row, {})[1] - exact
    np.testing.assert_allclose(noise[:, 0], data["sigma"] / np.sqrt(8))
    even = family.oracle(data, p, row, {"weights": data["sigma"] ** 2})[1] - exact
    assert even[:, 0].max() < 0.7 * noise[:, 0].max()
    np.testing.assert_array_equal(family.spread(data, p), data["sigma"])
    assert sorted(np.asarray(data["sigma"]).round(9)) == pytest.approx(np.logspace(-1, 1, 16))


def test_samples_in_proportion_to_noise_leave_less_error_and_come_sooner_to_the_goal(problem):
    data, family = problem(node_sampling.family), node_sampling.family
    tails, soonest = [], []
    for ref in ("gradient_tracking", "dnss"):
        found = runs(family, data, ref, 6, 4000, [{"step.lr": lr} for lr in (0.003, 0.005, 0.01)])
        tails.append(found.metric[-400:, -1].mean())
        soonest.append(reached(family, found).min())
    assert tails[1] < 0.6 * tails[0]
    assert soonest[1] < 0.75 * soonest[0]
    assert soonest[1] < 2500
