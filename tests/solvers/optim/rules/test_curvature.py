"""What is published about methods for quadratics that know, or ask for, their curvature."""

from __future__ import annotations

import numpy as np

CURVATURES = np.logspace(0, 2, 30)


def gradient(x: np.ndarray) -> np.ndarray:
    return CURVATURES * x


def test_chebyshev_with_true_bounds_keeps_to_its_bound(walk):
    errors = walk("step/chebyshev", gradient, np.ones(30), 100, np.linalg.norm, curvature=100.0, condition=100.0).errors
    rho = (np.sqrt(100) - 1) / (np.sqrt(100) + 1)
    k = np.arange(1, 101)
    assert (errors <= np.sqrt(30) * 2 * rho**k / (1 + rho ** (2 * k)) * (1 + 1e-9)).all()
    plain = walk("step/sgd", gradient, np.ones(30), 100, np.linalg.norm, lr=0.02).errors
    assert errors[-1] < 1e-6 * plain[-1]


def test_conjugate_gradients_solve_a_quadratic_in_as_many_steps_as_it_has_curvatures(walk):
    curvatures = np.repeat([1.0, 3.0, 10.0, 30.0, 100.0], 6)
    w = walk(
        "step/conjugate_gradient",
        lambda x: curvatures * x,
        np.arange(1.0, 31.0),
        5,
        np.linalg.norm,
        hvp=lambda _, v: curvatures * v,
    )
    assert w.errors[4] < 1e-8
    assert w.errors[3] > 1e-4
    assert w.spent.calls == 2 * 5


def test_conjugate_gradients_descend_where_there_is_no_positive_curvature(walk):
    w = walk("step/conjugate_gradient", lambda x: -x, np.ones(3), 1, hvp=lambda _, v: -v, lr=0.5)
    np.testing.assert_allclose(w.p, 1.5 * np.ones(3))
