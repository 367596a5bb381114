"""The array namespace that a rule gets: the same functions, and factorings of matrices are counted.

A step may factor a few matrices; each further one is charged as an oracle call, so that a rule cannot carry out a whole
algorithm of its own within one step.
"""

from __future__ import annotations

from typing import Any

FACTOR = frozenset({"cholesky", "det", "eigh", "eigvalsh", "inv", "pinv", "qr", "slogdet", "solve", "svd", "svdvals"})


class Counted:
    """An array namespace that counts.

    factorings: of matrices, so far.
    """

    def __init__(self, xp: Any) -> None:
        """Take the namespace of a host."""
        self._xp = xp
        self.factorings = 0
        self.linalg = Linalg(xp.linalg, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)


class Linalg:
    """Its linear algebra."""

    def __init__(self, linalg: Any, owner: Counted) -> None:
        """Take that of a host, and who counts."""
        self._linalg = linalg
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        if name in FACTOR:
            self._owner.factorings += 1
        return getattr(self._linalg, name)
