"""The array namespace that a rule gets: the same functions, and the work of factoring matrices is counted.

A step may do as much of it as two factorings of the parameters take, or as a gradient does; what goes beyond is charged
in oracle calls, so that a rule pays for factoring full matrices again and again within one step; and so is each
factoring beyond eight, however thin, so that no whole algorithm fits into a step. Products of matrices are counted
in `products`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

FACTOR = frozenset({"cholesky", "det", "eigh", "eigvalsh", "inv", "pinv", "qr", "slogdet", "solve", "svd", "svdvals"})
SPECTRAL = (2, -2, "nuc")  # norms that take the singular values
FREE = 2.0  # factorings of the parameters that go with a step
MANY = 8  # factorings of any size that go with a step; no method of the literature needs more


class Counted:
    """An array namespace that counts.

    work: of the factorings so far, a times b squared for a matrix of a rows and b columns, the fewer squared.
    factorings: how many.
    """

    def __init__(self, xp: Any) -> None:
        """Take the namespace of a host."""
        self._xp = xp
        self.work = 0.0
        self.factorings = 0
        self.linalg = Linalg(xp.linalg, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)

    def calls(self, shape: Sequence[int]) -> float:
        """Return what the work comes to in oracle calls, for parameters of this shape."""
        return float(max(0, math.ceil(self.work / unit(shape) - FREE), self.factorings - MANY))


class Linalg:
    """Its linear algebra."""

    def __init__(self, linalg: Any, owner: Counted) -> None:
        """Take that of a host, and who counts."""
        self._linalg = linalg
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._linalg, name)
        if name == "matrix_norm":
            return self._norm(found)
        return self._counting(found) if name in FACTOR else found

    def _norm(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def norm(x: Any, **options: Any) -> Any:
            spectral = options.get("ord", "fro") in SPECTRAL
            return (self._counting(function) if spectral else function)(x, **options)

        return norm

    def _counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(x: Any, *others: Any, **options: Any) -> Any:
            self._owner.work += work(x.shape)
            self._owner.factorings += 1
            return function(x, *others, **options)

        return counting


def work(shape: Sequence[int]) -> float:
    """Return the work of factoring an array of matrices; a vector counts as the square matrix of its length."""
    *stack, a, b = shape if len(shape) > 1 else (*shape, *shape) or (1, 1)
    return float(math.prod(stack) * max(a, b) * min(a, b) ** 2)


def unit(shape: Sequence[int]) -> float:
    """Return the work of factoring the parameters, or of their product with a square matrix, whichever is more."""
    return float(max(work(shape), math.prod(shape) * max(shape, default=1)))
