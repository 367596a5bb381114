"""The array API on top of NumPy, as far as rules may use it; exported files have it in them, and need nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


class Namespace:
    """The functions of `xp`: those of NumPy, and sorting that keeps the order of what is equal and may descend."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def sort(self, x: Array, *, axis: int = -1, descending: bool = False) -> Array:
        found = np.sort(x, axis=axis, kind="stable")
        return np.flip(found, axis=axis) if descending else found

    def argsort(self, x: Array, *, axis: int = -1, descending: bool = False) -> Array:
        if not descending:
            return np.argsort(x, axis=axis, kind="stable")
        back = np.argsort(np.flip(x, axis=axis), axis=axis, kind="stable")
        return x.shape[axis] - 1 - np.flip(back, axis=axis)


xp = Namespace()
