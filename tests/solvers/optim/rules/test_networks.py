"""What is published about networks of nodes, measured on a ring of 16 with quadratics that differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

NODES, D = 16, 10


class Ring:
    """Each node has its own quadratic; with noise, they draw 8 samples a step on average.

    drawn: samples of all nodes so far.
    """

    def __init__(self, *, noisy: bool = False, allot: Callable[[np.ndarray], np.ndarray] = np.ones_like) -> None:
        rng = np.random.default_rng(8)
        self.weights = sum(np.roll(np.eye(NODES), shift, axis=1) for shift in (-1, 0, 1)) / 3
        roots = rng.standard_normal((NODES, D, D))
        self.h = roots @ roots.transpose(0, 2, 1) / D + 0.1 * np.eye(D)
        self.centres = 3 * rng.standard_normal((NODES, D))
        self.best = np.linalg.solve(self.h.sum(axis=0), np.einsum("nij,nj->i", self.h, self.centres))
        self.sigma = np.logspace(-1, 1, NODES) if noisy else np.zeros(NODES)
        self.rng, self.allot, self.drawn = np.random.default_rng(9), allot, 0.0
        self.start = np.zeros((NODES, D))

    def oracle(self, p: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        shares = self.allot(self.sigma) if weights is None else np.broadcast_to(weights, self.sigma.shape)
        samples = 8 * shares / shares.mean()
        self.drawn += samples.sum()
        noise = (self.sigma / np.sqrt(samples))[:, None] * self.rng.standard_normal(p.shape)
        return np.einsum("nij,nj->ni", self.h, p - self.centres) + noise

    def mix(self, x: np.ndarray) -> np.ndarray:
        return self.weights @ x

    def error(self, p: np.ndarray) -> float:
        return np.mean(np.sum((p - self.best) ** 2, axis=1))


def test_gradient_tracking_is_exact_where_decentralised_descent_is_biased_by_heterogeneity(walk):
    r = Ring()
    plain = walk("step/dsgd", r.oracle, r.start, 1500, r.error, mix=r.mix, lr=0.05)
    tracking = walk("step/gradient_tracking", r.oracle, r.start, 1500, r.error, mix=r.mix, lr=0.05)
    assert plain.errors[-1] > 1
    assert plain.errors[-1] > 0.99 * plain.errors[999]
    assert tracking.errors[-1] < 1e-12
    assert (plain.spent.bits, tracking.spent.bits) == (32 * 1500, 64 * 1500)


def test_samples_in_proportion_to_noise_leave_less_error_at_the_same_number_of_samples(walk):
    tails, drawn = {}, {}
    for name in ("gradient_tracking", "dnss"):
        r = Ring(noisy=True)
        facts = {"spread": r.sigma / r.sigma.mean()}
        w = walk(f"step/{name}", r.oracle, r.start, 2000, r.error, mix=r.mix, lr=0.05, facts=facts)
        tails[name], drawn[name] = np.mean(w.errors[1000:]), r.drawn
    np.testing.assert_allclose(drawn["dnss"], drawn["gradient_tracking"], rtol=1e-9)
    assert tails["dnss"] < 0.6 * tails["gradient_tracking"]


def test_without_noise_or_nodes_all_draw_alike(walk):
    for spread in (np.zeros(NODES), np.zeros(1)):
        r = Ring()
        w = walk("step/dnss", r.oracle, r.start, 3, mix=r.mix, facts={"spread": spread})
        np.testing.assert_array_equal(w.state["weights"], np.ones_like(spread))


@pytest.mark.parametrize(("name", "below"), [("proportional", 0.6), ("square_root", 0.8), ("mixed", 0.7)])
def test_a_sampling_rule_leaves_less_error_than_uniform(walk, name, below):
    def tail(rule: str) -> float:
        r = Ring(noisy=True, allot=lambda sigma: walk(f"sampling/{rule}", lambda _: sigma / sigma.mean(), sigma, 1).p)
        return np.mean(
            walk("step/gradient_tracking", r.oracle, r.start, 1200, r.error, mix=r.mix, lr=0.05).errors[600:]
        )

    assert tail(name) < below * tail("uniform")


@pytest.mark.parametrize("name", ["proportional", "square_root", "mixed"])
def test_a_sampling_rule_that_knows_no_noise_is_uniform(walk, name):
    np.testing.assert_array_equal(walk(f"sampling/{name}", lambda _: np.zeros(5), np.zeros(5), 1).p, np.ones(5))
