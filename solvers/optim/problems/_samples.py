"""Labelled samples for the logistic families: real ones from scikit-learn's own files, or drawn."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.random import Generator

from slotforge.core.errors import UsageError

Samples = tuple[np.ndarray, np.ndarray]


def tumours() -> Samples:
    """Read breast_cancer: 569 rows of 30 features; +1 where benign."""
    table = np.loadtxt(_folder() / "breast_cancer.csv", delimiter=",", skiprows=1)
    return table[:, :-1], 2 * table[:, -1] - 1


def digits() -> Samples:
    """Read digits: 1797 rows of 8 x 8 pixels; the label is the digit."""
    table = np.loadtxt(_folder() / "digits.csv.gz", delimiter=",")
    return table[:, :-1], table[:, -1]


def planted(n: int, d: int, kappa: float, rng: Generator) -> Samples:
    """Draw features whose covariance has this condition, and labels of +1 and -1 by a random logistic model."""
    turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
    features = rng.standard_normal((n, d)) * np.logspace(0, -np.log10(kappa) / 2, d) @ turn.T
    odds = features @ (turn @ rng.standard_normal(d)) * 2
    return features, np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), 1.0, -1.0)


def design(features: np.ndarray) -> np.ndarray:
    """Standardise the columns that vary, and add one of ones."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return np.column_stack([scaled, np.ones(len(features))])


def solve(x: np.ndarray, y: np.ndarray, l2: float) -> np.ndarray:
    """Return the minimiser of the mean logistic loss plus l2/2 |w|^2, by Newton's method with backtracking."""
    w = np.zeros(x.shape[1])
    for _ in range(100):
        share = 1 / (1 + np.exp(y * (x @ w)))
        gradient = l2 * w - x.T @ (y * share) / len(y)
        if np.abs(gradient).max() < 1e-13:
            break
        hessian = (x.T * (share * (1 - share))) @ x / len(y) + l2 * np.eye(len(w))
        move, length = np.linalg.solve(hessian, gradient), 1.0
        while length > 1e-6 and loss(x, y, w - length * move, l2) > loss(x, y, w, l2) + 1e-15:
            length /= 2
        w = w - length * move
    return w


def loss(x: np.ndarray, y: np.ndarray, w: np.ndarray, l2: float = 0.0) -> float:
    """Return the mean logistic loss plus l2/2 |w|^2."""
    return float(np.logaddexp(0, -y * (x @ w)).mean() + l2 / 2 * w @ w)


def _folder() -> Path:
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise UsageError("the logistic families read data sets of scikit-learn: install scikit-learn")
    return Path(spec.origin).parent / "datasets" / "data"
