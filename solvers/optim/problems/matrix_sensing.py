"""Recovery of a positive semidefinite matrix from random linear measurements, by its factor.

f(X) = 1/(4m) sum_i (<A_i, X X'> - y_i)^2 with symmetric Gaussian A_i and y_i = <A_i, M>, where M has `rank` eigenvalues
from 1 down to 1/kappa; X is n x k and starts near 0. With k > rank the problem is over-parameterised. In expectation
the gradient is (X X' - M) X.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.optim.problems._family import Array, Control, Data, Family, Knobs, Range, whole
from slotforge.solvers.optim.problems._numerics import library

SCALE = 1e-3  # of the entries at the start


class MatrixSensing(Family):
    """Knobs: n, the side; m, how many measurements; rank; k, the columns of the factor; kappa, the condition of M."""

    name = "matrix_sensing"
    knobs: ClassVar[Knobs] = {"n": 40, "m": 800, "rank": 2, "k": 2, "kappa": 10}
    ranges: ClassVar[Mapping[str, Range]] = {
        "n": whole(1),
        "m": whole(1),
        "rank": whole(1),
        "k": whole(1),
        "kappa": Range(1.0),
    }
    within = (("rank", "n"), ("rank", "k"))
    splits: ClassVar[Mapping[str, Sequence[Knobs]]] = {
        "search": [{"n": 20, "m": 200}, {"n": 20, "m": 200, "k": 6}],
        "select": [{"n": 20, "m": 200, "kappa": 5}, {"n": 20, "m": 200, "k": 6, "kappa": 20}],
        "holdout": [{"n": 20, "m": 200, "k": 4, "kappa": 30}, {"n": 20, "m": 200, "rank": 1, "k": 3}, {}, {"k": 10}],
    }
    specialists = ("scaled_gd", "scaled_gd_damped")
    budget = 1000
    brief = True
    random = True
    runs = (1, 1)  # starts differ, and make no difference

    def draw(self, knobs: Knobs, rng: Generator) -> Data:
        """Draw the factor of M and the measurements; a symmetric matrix is kept as the entries on and below the
        diagonal, in the measurements with the others added, so that <A, M> is the product of the two.
        """
        n, m, rank = int(knobs["n"]), int(knobs["m"]), int(knobs["rank"])
        basis, _ = np.linalg.qr(rng.standard_normal((n, rank)))
        factor = basis * np.sqrt(np.logspace(0, -np.log10(knobs["kappa"]), rank))
        rows, columns = np.tril_indices(n)
        drawn = rng.standard_normal((m, n, n))
        measured = (drawn + drawn.transpose(0, 2, 1))[:, rows, columns] / np.where(rows == columns, 2, 1)
        seen = measured @ (factor @ factor.T)[rows, columns]
        return {"measured": measured, "seen": seen, "factor": factor, "scale": np.full(int(knobs["k"]), SCALE)}

    def start(self, data: Data, rng: Generator) -> Array:
        """Start at small random entries."""
        return rng.standard_normal((len(data["factor"]), len(data["scale"]))) * np.asarray(data["scale"])

    def oracle(self, data: Data, p: Array, row: None, control: Control) -> tuple[Array, Array]:
        """Return loss and gradient."""
        rows, columns = np.tril_indices(p.shape[0])
        error = data["measured"] @ (p @ p.T)[rows, columns] - data["seen"]
        below = error @ data["measured"] / (2 * len(error))
        slopes = below[_places(p.shape[0])] * (1 + np.eye(p.shape[0]))
        return error @ error / (4 * len(error)), slopes @ p

    def metric(self, data: Data, p: Array) -> Array:
        """Return the relative error of X X' in the Frobenius norm."""
        matrix = data["factor"] @ data["factor"].T
        norm = library(p).linalg.norm
        return norm(p @ p.T - matrix) / norm(matrix)

    def rank(self, data: Data) -> int:
        """Return the rank of M."""
        return int(data["factor"].shape[1])


def _places(n: int) -> np.ndarray:
    """Return where each entry of a symmetric matrix stands among those on and below the diagonal, shape (n, n)."""
    rows, columns = np.tril_indices(n)
    found = np.zeros((n, n), dtype=int)
    found[rows, columns] = found[columns, rows] = np.arange(len(rows))
    return found


family = MatrixSensing()
