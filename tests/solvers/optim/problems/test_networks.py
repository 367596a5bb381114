"""Nodes of a network: what they may add, who comes to the minimiser, and where samples belong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.compose import Composite
from slotforge.solvers.optim.loop import Loop
from slotforge.solvers.optim.problems import _network, decentralised, node_sampling, slow_links
from slotforge.solvers.optim.rule import load, numbers
from slotforge.solvers.optim.simulate import Program
from slotforge.testing.rule_host import RULES
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
    slopes = jax.grad(lambda p: decentralised.family.oracle(data, p, None, {})[0].sum())(p)
    np.testing.assert_allclose(g, slopes, atol=1e-10)


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
    np.testing.assert_allclose(family.spread(data, p), data["sigma"] / data["sigma"].mean())
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


def test_the_loss_that_a_rule_sees_has_the_noise_of_its_samples(problem):
    data = problem(node_sampling.family)
    p = jnp.asarray(np.random.default_rng(0).standard_normal((16, 10)))
    row = jnp.asarray(np.random.default_rng(1).standard_normal((16, 10)))
    exact, _ = _network.gradients(data, p)
    value, g = node_sampling.family.oracle(data, p, row, {})
    slopes = jax.grad(lambda p: node_sampling.family.oracle(data, p, row, {})[0].sum())(p)
    assert np.abs(value - exact).min() > 1e-3
    np.testing.assert_allclose(g, slopes, atol=1e-9)


HEAD = "def init(xp, p):\n    return {}\n\n\ndef update(xp, g, state, p, hp, t, aux):\n    return "


@pytest.mark.parametrize("host", [Loop, Program])
@pytest.mark.parametrize(
    ("answer", "bits"),
    [
        ("p - 0.01 * g, {}", 0),
        ("aux.mix(p) - 0.01 * g, {}", 32),
        ("aux.mix(aux.mix(p) - 0.01 * g), {}", 64),
        ("p - 0.01 * aux.mix_sign(g), {}", 1),
        ("p - 0.01 * g * aux.mix(xp.sum(g)), {}", 3.2),
        ("p - 0.01 * g * aux.mix(xp.sum(g) + xp.zeros_like(g)), {}", 3.2),
    ],
)
def test_over_slow_links_a_message_costs_what_it_holds(problem, host, answer, bits):
    family = slow_links.family
    data = problem(family, link=4, d=10)
    program = host(family=family, rule=Composite(parts={"step": load(HEAD + answer + "\n")}))
    program.inspect(data)
    runs = program.run(data, [{}], [0], budget=200, enough=lambda _: False)
    steps = family.stride * np.arange(1, 4)
    # the point is zero at first, which is one number for each node
    saved = 32 * 0.9 if "aux.mix(p)" in answer else 0
    assert runs.calls[:3, 0, 0] == pytest.approx(steps * (1 + bits / 4) - saved / 4, rel=1e-6)


def test_bits_are_free_where_links_are_fast(problem):
    family = decentralised.family
    data = problem(family, graph=1)
    program = Program(family=family, rule=Composite(parts={"step": load(HEAD + "aux.mix(p) - 0.01 * g, {}\n")}))
    program.inspect(data)
    runs = program.run(data, [{}], [0], budget=40, enough=lambda _: False)
    np.testing.assert_array_equal(runs.calls[:, 0, 0], family.stride * np.arange(1, 1 + len(runs.calls)))


def test_one_bit_messages_cost_one_bit_after_the_warm_up(problem):
    family = slow_links.family
    data = problem(family)
    source = (RULES / "step/onebit_adam.py").read_text()
    program = Program(family=family, rule=Composite(parts={"step": load(source)}))
    program.inspect(data)
    hp = {f"step.{name}": one.default for name, one in numbers(source).items()} | {"step.warmup": 4.0 * family.stride}
    runs = program.run(data, [hp], [0], budget=1000, enough=lambda _: False)
    spent = np.diff(runs.calls[:12, 0, 0]) / family.stride
    assert spent[:3] == pytest.approx(1 + 33 / 4)
    assert spent[3:] == pytest.approx(1 + (1 + 32 / 20) / 4)


def test_where_entries_have_different_scales_the_minimiser_is_still_that_of_the_mean(problem):
    data = problem(slow_links.family, kappa=1000, turned=1, each=40)
    _, g = slow_links.family.oracle(data, at_the_minimiser(data), None, {})
    shared = jnp.take_along_axis(g, data["back"], axis=1).mean(axis=0)
    np.testing.assert_allclose(shared, 0, atol=1e-9)
    assert slow_links.family.metric(data, at_the_minimiser(data)) == pytest.approx(0, abs=1e-20)
    scales = np.diagonal(data["curves"].mean(axis=0))
    assert 100 < scales[-1] / scales[0] < 10_000


def test_over_slow_links_signs_are_sooner_at_the_goal_than_numbers_and_no_node_gets_there_alone(problem):
    family = slow_links.family
    data = problem(family)
    step = {"step.decay1": 0.3, "step.decay2": 1e-3}
    warm, always = (
        [{**step, "step.lr": lr, "step.warmup": warmup} for lr in (0.5, 1.0, 2.0, 4.0)] for warmup in (12.0, 1e6)
    )
    signs, numbers = (reached(family, runs(family, data, "onebit_adam", 1, 3000, lot)).min() for lot in (warm, always))
    assert 12 * (1 + 33 / 4) < signs < 0.75 * numbers < 1500  # the warm-up is over before the goal
    alone = runs(family, data, "adam", 1, 2000, [{"step.lr": lr} for lr in (0.01, 0.03, 0.1, 0.3)])
    assert alone.metric.min() > 10 * family.goal


def test_slow_links_have_at_least_as_many_rows_as_entries():
    assert "at least d=50" in slow_links.family.misfit({"nodes": 12, "d": 50})
    assert not slow_links.family.misfit({"nodes": 13, "d": 50})
