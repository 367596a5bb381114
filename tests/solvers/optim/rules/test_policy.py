"""What is published about policy optimisation, measured on a small decision process with known values."""

from __future__ import annotations

import numpy as np
import pytest


class Process:
    """A random process of 12 states and 4 actions, of which the first may pay a bonus; g is -Q, perhaps with noise."""

    def __init__(self, *, gamma: float = 0.9, bonus: float = 0.0, noise: float = 0.0) -> None:
        rng = np.random.default_rng(5)
        self.gamma, self.noise, self.rng = gamma, noise, np.random.default_rng(6)
        self.flow = rng.dirichlet(np.full(12, 0.3), (12, 4))
        self.rewards = rng.random((12, 4)) + bonus * np.eye(4)[0]
        self.start = np.zeros((12, 4))
        self.best = np.zeros(12)
        for _ in range(400):
            self.best = self.ahead(self.best).max(axis=1)

    def ahead(self, v: np.ndarray) -> np.ndarray:
        return self.rewards + self.gamma * self.flow @ v

    def q(self, p: np.ndarray) -> np.ndarray:
        pi = softmax(p)
        chain = np.einsum("sa,sat->st", pi, self.flow)
        return self.ahead(np.linalg.solve(np.eye(12) - self.gamma * chain, (pi * self.rewards).sum(axis=1)))

    def oracle(self, p: np.ndarray) -> np.ndarray:
        return -self.q(p) + self.noise * self.rng.standard_normal(p.shape)

    def hvp(self, p: np.ndarray, v: np.ndarray) -> np.ndarray:
        return (self.q(p - 1e-5 * v) - self.q(p + 1e-5 * v)) / 2e-5

    def gap(self, p: np.ndarray) -> float:
        return np.max(self.best - (softmax(p) * self.q(p)).sum(axis=1))


def softmax(p: np.ndarray) -> np.ndarray:
    e = np.exp(p - p.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_steps_that_grow_geometrically_make_mirror_descent_linear_and_constant_ones_do_not(walk):
    m = Process()
    constant = walk("step/policy_mirror_descent", m.oracle, m.start, 600, m.gap, lr=1.0).errors
    growing = walk("step/pmd_geometric", m.oracle, m.start, 90, m.gap, lr=1.0, growth=1 / m.gamma - 1).errors
    assert constant[-1] > 1e-4
    assert constant[-1] > 0.2 * constant[299]
    assert growing[-1] < 1e-8


@pytest.mark.parametrize("growth", [1e-4, 1.0])
def test_growing_steps_never_overflow(walk, growth):
    m = Process()
    assert np.isfinite(walk("step/pmd_geometric", m.oracle, m.start, 1500, lr=1e3, growth=growth).p).all()


def test_natural_policy_gradient_and_mirror_descent_are_the_same_policies(walk):
    m = Process()
    natural = walk("step/natural_policy_gradient", m.oracle, m.start, 30, lr=0.7).p
    mirror = walk("step/policy_mirror_descent", m.oracle, m.start, 30, lr=0.7).p
    np.testing.assert_allclose(softmax(natural), softmax(mirror), rtol=1e-10)


def test_the_fisher_metric_makes_the_softmax_gradient_natural(walk):
    m = Process()
    p = np.random.default_rng(7).standard_normal((12, 4))
    gradient = p - walk("step/softmax_policy_gradient", m.oracle, p, 1, lr=1.0).p
    natural = p - walk("step/natural_policy_gradient", m.oracle, p, 1, lr=1.0).p
    shaped = walk("precondition/softmax_fisher", lambda _: gradient, p, 1, floor=1e-12).p
    np.testing.assert_allclose(shaped, natural, rtol=1e-8)


def test_hadamard_is_a_gradient_step_on_the_sphere_whose_squares_are_the_policy(walk):
    m = Process()
    p = np.random.default_rng(7).standard_normal((12, 4))
    u = np.sqrt(softmax(p))
    slope = 2 * u * m.q(p)
    along = slope - u * (u * slope).sum(axis=1, keepdims=True)
    moved = u + 0.05 * along
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    np.testing.assert_allclose(softmax(walk("step/hadamard_policy", m.oracle, p, 1, lr=0.1).p), moved**2, rtol=1e-10)


def test_hadamard_stays_in_the_simplex_and_is_linear_where_the_softmax_gradient_is_not(walk):
    m = Process(bonus=1.0)
    inside = []

    def look(p: np.ndarray) -> float:
        inside.append(np.allclose(softmax(p).sum(axis=1), 1) and (softmax(p) >= 0).all())
        return m.gap(p)

    hadamard = walk("step/hadamard_policy", m.oracle, m.start, 120, look, lr=0.3).errors
    softmaxed = walk("step/softmax_policy_gradient", m.oracle, m.start, 400, m.gap, lr=0.3).errors
    assert all(inside)
    assert hadamard[-1] < 1e-9
    assert softmaxed[-1] > 1e-4
    assert 0.3 < softmaxed[399] / softmaxed[199] < 0.7  # as one over time


def test_td_pmd_that_trusts_each_estimate_is_mirror_descent(walk):
    m = Process()
    critic = walk("step/td_pmd", m.oracle, m.start, 30, lr=0.7, critic=1.0, power=0.0).p
    plain = walk("step/policy_mirror_descent", m.oracle, m.start, 30, lr=0.7).p
    np.testing.assert_allclose(softmax(critic), softmax(plain), rtol=1e-10)


def test_the_critic_of_td_pmd_has_less_noise_than_its_estimates(walk):
    m = Process(noise=1.0)
    w = walk("step/td_pmd", m.oracle, m.start, 400, lr=0.3, critic=0.02)
    off = np.sqrt(np.mean((w.state["critic"] + m.q(w.p)) ** 2))
    assert off < 0.3


def test_hessian_aided_momentum_follows_the_gradient_with_less_noise_than_a_sample_of_it(walk):
    m = Process(noise=1.0)
    w = walk("step/npg_hm", m.oracle, m.start, 200, hvp=m.hvp, lr=0.05, share=0.05)
    off = np.sqrt(np.mean((w.state["m"] + m.q(w.state["last"])) ** 2))
    assert off < 0.35
    assert w.spent.calls == 2 * 200


def test_hessian_aided_momentum_does_not_lag_where_the_policy_moves(walk):
    m = Process()
    w = walk("step/npg_hm", m.oracle, m.start, 20, hvp=m.hvp, lr=0.2, share=0.01)
    off = np.sqrt(np.mean((w.state["m"] + m.q(w.state["last"])) ** 2))
    assert off < 0.1 * np.sqrt(np.mean((m.q(w.p) - m.q(m.start)) ** 2))
