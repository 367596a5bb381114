"""What is published about methods for low-rank matrices, measured on small problems."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest


class Sensing:
    """M of rank 2 from random measurements, by a factor with k columns."""

    def __init__(self, *, k: int, kappa: float = 10, n: int = 20, m: int = 300) -> None:
        rng = np.random.default_rng(1)
        basis = np.linalg.qr(rng.standard_normal((n, 2)))[0]
        self.matrix = basis @ np.diag([1, 1 / kappa]) @ basis.T
        drawn = rng.standard_normal((m, n, n))
        self.measures = ((drawn + drawn.transpose(0, 2, 1)) / 2).reshape(m, -1)
        self.start = 1e-2 * rng.standard_normal((n, k))

    def residuals(self, x: np.ndarray) -> np.ndarray:
        return self.measures @ (x @ x.T - self.matrix).ravel()

    def value(self, x: np.ndarray) -> float:
        return np.mean(self.residuals(x) ** 2) / 4

    def gradient(self, x: np.ndarray) -> np.ndarray:
        n, m = len(x), len(self.measures)
        return (self.residuals(x) @ self.measures).reshape(n, n) @ x / m

    def error(self, x: np.ndarray) -> float:
        return np.linalg.norm(x @ x.T - self.matrix) / np.linalg.norm(self.matrix)


def steps_to(errors: np.ndarray, goal: float) -> float:
    reached = np.flatnonzero(errors <= goal)
    return reached[0] + 1 if len(reached) else np.inf


def robust_pca(n: int = 200, rank: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Draw L, and D with a tenth of its entries wrong."""
    rng = np.random.default_rng(2)
    left, right = rng.standard_normal((2, n, rank))
    low = left @ right.T
    outliers = 5 * np.abs(low).mean() * rng.uniform(-1, 1, (n, n)) * (rng.random((n, n)) < 0.1)
    return low, low + outliers


class Completion:
    """A matrix of rank 3, half of it seen, a tenth of that grossly wrong; the loss is the mean absolute error."""

    def __init__(self, n: int = 60, rank: int = 3) -> None:
        rng = np.random.default_rng(3)
        left, right = rng.standard_normal((2, n, rank))
        self.low = left @ right.T
        self.mask = rng.random((n, n)) < 0.5
        wrong = self.mask & (rng.random((n, n)) < 0.1)
        self.seen = np.where(self.mask, self.low + wrong * 10 * rng.standard_normal((n, n)), 0)
        trusted = self.mask & (np.abs(self.seen) <= np.quantile(np.abs(self.seen[self.mask]), 0.8))
        u, s, vt = np.linalg.svd(np.where(trusted, self.seen, 0) / self.mask.mean())
        self.start = np.stack([u[:, :rank], vt[:rank].T]) * np.sqrt(s[:rank])

    def gradient(self, p: np.ndarray) -> np.ndarray:
        sign = self.mask * np.sign(p[0] @ p[1].T - self.seen) / self.mask.sum()
        return np.stack([sign @ p[1], sign.T @ p[0]])

    def error(self, p: np.ndarray) -> float:
        return np.linalg.norm(p[0] @ p[1].T - self.low) / np.linalg.norm(self.low)


def test_too_many_columns_make_gradient_descent_sublinear_and_damped_scaling_keeps_it_linear(walk):
    exact, over = Sensing(k=2), Sensing(k=6)
    plain = [walk("step/sgd", s.gradient, s.start, 1500, s.error, lr=0.5).errors for s in (exact, over)]
    damped = walk(
        "step/scaled_gd_damped", over.gradient, over.start, 250, over.error, facts={"value": over.value}
    ).errors
    assert steps_to(plain[0], 1e-6) < 600
    assert plain[1][-1] > 1e-3
    assert steps_to(damped, 1e-6) < 150
    assert steps_to(damped, 1e-12) - steps_to(damped, 1e-8) < 1.5 * (steps_to(damped, 1e-8) - steps_to(damped, 1e-4))


def test_scaling_is_blind_to_the_condition_number(walk):
    needed = {
        (name, kappa): steps_to(walk(f"step/{name}", s.gradient, s.start, 2500, s.error, lr=0.5).errors, 1e-6)
        for kappa, s in ((2, Sensing(k=2, kappa=2)), (50, Sensing(k=2, kappa=50)))
        for name in ("sgd", "scaled_gd")
    }
    assert needed["sgd", 50] > 10 * needed["sgd", 2]
    assert needed["scaled_gd", 50] < 1.5 * needed["scaled_gd", 2]


@pytest.mark.parametrize(("slot", "step"), [("gram", "scaled_gd"), ("gram_damped", "scaled_gd_damped")])
def test_a_gram_matrix_before_plain_descent_is_scaled_descent(walk, slot, step):
    s, rng = Sensing(k=2), np.random.default_rng(4)
    for p in (rng.standard_normal((20, 2)), rng.standard_normal((2, 20, 3))):
        g = rng.standard_normal(p.shape)
        facts = {"value": s.value(p) if p.ndim == 2 else 0.3}
        damping = 1.0 if "damped" in slot else 1e-10
        shaped = walk(f"precondition/{slot}", lambda _, g=g: g, p, 1, facts=facts, damping=damping).p
        moved = walk(f"step/{step}", lambda _, g=g: g, p, 1, facts=facts, lr=1.0).p
        np.testing.assert_allclose(p - shaped, moved, rtol=1e-6)


def test_a_tangent_space_saves_most_of_the_cost_of_a_projection_and_no_accuracy(walk):
    low, seen = robust_pca()
    needed, seconds = {}, {}
    for name in ("altproj", "accaltproj"):
        began = process_time()
        w = walk(
            f"step/{name}",
            lambda p: p - seen,
            np.zeros_like(seen),
            25,
            lambda p: np.linalg.norm(p - low) / np.linalg.norm(low),
            facts={"rank": 5},
            rng=np.random.default_rng(0),
            threshold=0.5,
            decay=0.6,
        )
        seconds[name] = process_time() - began
        needed[name] = steps_to(w.errors, 1e-6)
    assert needed["altproj"] <= 25
    assert abs(needed["accaltproj"] - needed["altproj"]) <= 1
    assert 1.5 * seconds["accaltproj"] < seconds["altproj"]


def test_geometric_steps_make_the_subgradient_method_linear_where_the_root_of_time_does_not(walk):
    c = Completion()
    errors = walk("step/geometric_subgradient", c.gradient, c.start, 1000, c.error).errors
    assert errors[-1] < 1e-9
    np.testing.assert_allclose((errors[899] / errors[399]) ** (1 / 500), 0.98, atol=2e-3)
    p = c.start
    for k in range(1, 1001):
        g = c.gradient(p)
        p = p - g / np.linalg.norm(g) / np.sqrt(k)
    assert c.error(p) > 1e-4


def test_tangent_steps_with_a_shrinking_threshold_complete_a_matrix_in_spite_of_gross_errors(walk):
    c = Completion()
    armc = steps_to(walk("step/armc", c.gradient, c.start, 400, c.error).errors, 1e-6)
    plain = steps_to(walk("step/geometric_subgradient", c.gradient, c.start, 1000, c.error).errors, 1e-6)
    assert armc < 300
    assert armc < plain


def test_armc_steps_along_the_tangent_space_of_the_low_rank_matrices(walk):
    c = Completion()
    x, y = c.start
    sign = c.mask * np.sign(x @ y.T - c.seen)
    left, right = np.linalg.qr(x)[0], np.linalg.qr(y)[0]
    along = left @ (left.T @ sign) + (sign @ right) @ right.T - left @ (left.T @ sign @ right) @ right.T
    u, s, vt = np.linalg.svd(x @ y.T - 0.7 / c.mask.mean() * along)
    moved = walk("step/armc", c.gradient, c.start, 1, threshold=0.7).p
    np.testing.assert_allclose(moved[0] @ moved[1].T, (u[:, :3] * s[:3]) @ vt[:3], atol=1e-10)
