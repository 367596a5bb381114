"""What is published about two-player games: bilinear ones in the plane of all points, matrix games on logits."""

from __future__ import annotations

import numpy as np
import pytest


class Bilinear:
    """x'Ay with singular values from 0.1 to 1."""

    def __init__(self, n: int = 10) -> None:
        rng = np.random.default_rng(6)
        left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
        self.a = left @ np.diag(np.linspace(0.1, 1, n)) @ right.T
        self.start = rng.standard_normal((2, n))

    def operator(self, z: np.ndarray) -> np.ndarray:
        return np.stack([self.a @ z[1], -self.a.T @ z[0]])

    def hvp(self, _: np.ndarray, v: np.ndarray) -> np.ndarray:
        return self.operator(v)

    def error(self, z: np.ndarray) -> float:
        return np.linalg.norm(z) / np.linalg.norm(self.start)

    def residual(self, z: np.ndarray) -> float:
        return np.sum(self.operator(z) ** 2)


class MatrixGame:
    """Payoffs of ten by ten actions; a point is the logits of both mixed strategies."""

    def __init__(self, n: int = 10) -> None:
        self.a = np.random.default_rng(7).uniform(-1, 1, (n, n))
        self.start = np.zeros((2, n))

    def operator(self, p: np.ndarray) -> np.ndarray:
        x, y = softmax(p)
        return np.stack([self.a @ y, -self.a.T @ x])

    def gap(self, p: np.ndarray) -> float:
        x, y = softmax(p)
        return np.max(self.a.T @ x) - np.min(self.a @ y)


def softmax(p: np.ndarray) -> np.ndarray:
    e = np.exp(p - p.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_descent_and_ascent_at_once_diverge_on_a_bilinear_game(walk):
    b = Bilinear()
    assert walk("step/sgd", b.operator, b.start, 1000, b.error, lr=0.1).errors[-1] > 10


@pytest.mark.parametrize(
    ("name", "steps", "calls", "hp"),
    [
        ("extragradient", 3000, 1, {"lr": 0.7}),
        ("optimistic_gda", 7000, 0, {"lr": 0.5}),
        ("competitive_gradient", 200, 16, {"lr": 5.0, "weight": 5.0}),
        ("optimistic_competitive_gradient", 600, 16, {"lr": 0.5, "weight": 3.0}),
    ],
)
def test_a_correction_of_the_operator_converges_linearly_on_a_bilinear_game(walk, name, steps, calls, hp):
    b = Bilinear()
    w = walk(f"step/{name}", b.operator, b.start, steps, b.error, hvp=b.hvp, **hp)
    assert w.errors[-1] < 1e-3
    first, second = w.errors[steps // 2] / w.errors[steps // 4], w.errors[-1] / w.errors[3 * steps // 4]
    assert second < 10 * first
    assert w.spent.calls == calls * steps


def test_the_transform_and_the_step_are_optimistic_alike(walk):
    b = Bilinear()
    twice = walk("transform/optimistic", b.operator, b.start, 2)
    weighed = walk("transform/extrapolate", b.operator, b.start, 2, weight=1.0, memory=0.0)
    np.testing.assert_allclose(twice.p, weighed.p, rtol=1e-12)
    z = walk("step/optimistic_gda", b.operator, b.start, 1, lr=0.3).p
    third = walk("step/optimistic_gda", b.operator, b.start, 2, lr=0.3).p
    correction = 2 * b.operator(z) - b.operator(b.start)
    np.testing.assert_allclose(third, z - 0.3 * correction, rtol=1e-10)


def test_the_competitive_direction_is_the_equilibrium_of_the_local_game(walk):
    b = Bilinear(4)
    x, y = b.start
    moved = walk("step/competitive_gradient", b.operator, b.start, 1, hvp=b.hvp, lr=0.3, weight=0.7).p
    gx, gy = b.a @ y, b.a.T @ x
    dx = np.linalg.solve(np.eye(4) + 0.49 * b.a @ b.a.T, gx + 0.7 * b.a @ gy)
    dy = np.linalg.solve(np.eye(4) + 0.49 * b.a.T @ b.a, gy - 0.7 * b.a.T @ gx)
    np.testing.assert_allclose(moved, np.stack([x - 0.3 * dx, y + 0.3 * dy]), rtol=1e-8)


def test_optimism_corrects_the_competitive_direction_by_its_change(walk):
    b = Bilinear(4)
    numbers = {"lr": 0.3, "weight": 0.7}

    def direction(z: np.ndarray) -> np.ndarray:
        return (z - walk("step/competitive_gradient", b.operator, z, 1, hvp=b.hvp, **numbers).p) / 0.3

    first, second = (
        walk("step/optimistic_competitive_gradient", b.operator, b.start, steps, hvp=b.hvp, **numbers).p
        for steps in (1, 2)
    )
    np.testing.assert_allclose(second, first - 0.3 * (2 * direction(first) - direction(b.start)), rtol=1e-7)


def test_an_anchor_brings_the_squared_operator_down_as_one_over_time_squared(walk):
    b = Bilinear()
    residuals = walk("step/eag", b.operator, b.start, 3000, b.residual, lr=0.125).errors
    scaled = residuals * np.arange(1, 3001) ** 2
    assert scaled.max() < 27 / 0.125**2 * np.sum(b.start**2)
    assert 0.5 < scaled[2999] / scaled[999] < 1.5


def test_halpern_with_an_exact_operator_is_the_plain_iteration(walk):
    b = Bilinear()
    z = b.start
    for k in range(40):
        z = 2 / (k + 4) * b.start + (1 - 2 / (k + 4)) * z - 0.2 * b.operator(z)
    np.testing.assert_allclose(walk("step/halpern_vr", b.operator, b.start, 40, lr=0.2, power=0.0).p, z, rtol=1e-9)


def test_halpern_needs_decreasing_steps_where_the_operator_is_not_cocoercive(walk):
    b = Bilinear()
    constant = walk("step/halpern_vr", b.operator, b.start, 500, b.residual, lr=0.5, power=0.0).errors
    falling = walk("step/halpern_vr", b.operator, b.start, 4000, b.residual, lr=0.5, power=0.5).errors
    assert constant[-1] > constant[0]
    assert falling[-1] < 0.02 * falling[0]


def test_variance_reduction_lowers_the_noise_that_halpern_ends_with(walk):
    h, rng, sample = np.linspace(0.1, 1, 20), np.random.default_rng(8), {}

    def draw() -> None:
        sample["noise"] = 0.3 * rng.standard_normal(20)

    def ends(share: float) -> float:
        w = walk(
            "step/halpern_vr",
            lambda z: h * z + sample["noise"],
            np.ones(20),
            600,
            lambda z: np.sum((h * z) ** 2),
            draw=draw,
            lr=0.5,
            share=share,
        )
        return np.mean(w.errors[300:])

    assert ends(0.02) < 0.5 * ends(1.0)


def test_optimism_makes_the_last_iterate_of_multiplicative_weights_converge(walk):
    m = MatrixGame()
    plain = walk("step/policy_mirror_descent", m.operator, m.start, 5000, m.gap, lr=0.5).errors
    optimistic = walk("step/optimistic_gda", m.operator, m.start, 5000, m.gap, lr=0.5).errors
    assert plain[-1000:].min() > 0.1
    assert optimistic[-1] < 1e-4


def test_mirror_prox_with_a_pull_goes_linearly_to_the_equilibrium_of_the_regularised_game(walk):
    m, pull = MatrixGame(), 0.1

    def residual(p: np.ndarray) -> float:
        """Say how far p is from p = -F(p) / pull, up to a number for each player."""
        return np.ptp(p + m.operator(p) / pull, axis=-1).max()

    errors = walk("step/nash_mirror_prox", m.operator, m.start, 1200, residual, lr=0.5, pull=pull, power=0.0).errors
    assert errors[-1] < 1e-9
    np.testing.assert_allclose((errors[300] / errors[100]) ** (1 / 200), 1 / (1 + 2 * 0.5 * pull) ** 0.5, atol=0.02)


def test_mirror_prox_with_a_fading_pull_comes_to_the_equilibrium_itself(walk):
    m = MatrixGame()
    fading = walk("step/nash_mirror_prox", m.operator, m.start, 3000, m.gap, lr=0.5, pull=1.0, power=1.0).errors
    constant = walk("step/nash_mirror_prox", m.operator, m.start, 3000, m.gap, lr=0.5, pull=0.01, power=0.0).errors
    assert fading[-1] < 3e-4
    assert constant[-1] > 1e-3
