"""The array API on top of torch, as far as rules may use it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

Array = Any
Axis = Any

_PLAIN = {  # where only the name differs
    "divide": "true_divide", "equal": "eq", "not_equal": "ne", "negative": "neg", "bitwise_invert": "bitwise_not",
    "repeat": "repeat_interleave",
}  # fmt: skip
_MADE = ("zeros", "ones", "arange", "linspace", "asarray")
_BINARY = """
    add atan2 copysign divide equal floor_divide greater greater_equal hypot less less_equal logaddexp logical_and
    logical_or logical_xor maximum minimum multiply nextafter not_equal pow remainder subtract
"""


class Linalg:
    """The functions of `xp.linalg`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch.linalg, name)

    def vector_norm(self, x: Array, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Array:
        return torch.linalg.vector_norm(x, ord=ord, dim=axis, keepdim=keepdims)

    def matrix_norm(self, x: Array, *, keepdims: bool = False, ord: Any = "fro") -> Array:
        return torch.linalg.matrix_norm(x, ord=ord, keepdim=keepdims)

    def trace(self, x: Array, *, offset: int = 0) -> Array:
        return self.diagonal(x, offset=offset).sum(-1)

    def diagonal(self, x: Array, *, offset: int = 0) -> Array:
        return torch.diagonal(x, offset=offset, dim1=-2, dim2=-1)

    def outer(self, x: Array, y: Array) -> Array:
        return torch.outer(x, y)

    def cholesky(self, x: Array, *, upper: bool = False) -> Array:
        return torch.linalg.cholesky(x, upper=upper)

    def svd(self, x: Array, *, full_matrices: bool = True) -> Any:
        return torch.linalg.svd(x, full_matrices=full_matrices)

    def matrix_transpose(self, x: Array) -> Array:
        return x.mT

    def matmul(self, x: Array, y: Array) -> Array:
        return x @ y

    def tensordot(self, x: Array, y: Array, *, axes: Any = 2) -> Array:
        return torch.tensordot(x, y, dims=axes)

    def vecdot(self, x: Array, y: Array, *, axis: int = -1) -> Array:
        return torch.linalg.vecdot(x, y, dim=axis)


class Namespace:
    """The functions of `xp`; what torch has by the same name and with the same arguments is torch's.

    device: where new arrays are made; None is torch's default.
    """

    linalg = Linalg()
    matmul = Linalg.matmul
    tensordot = Linalg.tensordot
    vecdot = Linalg.vecdot
    matrix_transpose = Linalg.matrix_transpose

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device

    def __getattr__(self, name: str) -> Any:
        found = getattr(torch, _PLAIN.get(name, name), None)
        if found is None:
            raise AttributeError(f"xp has no '{name}'")
        if name in _MADE:
            return partial(found, device=self.device)
        return _with_numbers(found) if name in _BINARY.split() else found

    def sum(self, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
        return torch.sum(x, dim=axis, keepdim=keepdims)

    def mean(self, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
        return torch.mean(x, dim=axis, keepdim=keepdims)

    def max(self, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
        return torch.amax(x, dim=() if axis is None else axis, keepdim=keepdims)

    def min(self, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
        return torch.amin(x, dim=() if axis is None else axis, keepdim=keepdims)

    def prod(self, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
        axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        for one in sorted((one % x.ndim for one in axes), reverse=True):
            x = torch.prod(x, dim=one, keepdim=keepdims)
        return x

    def std(self, x: Array, *, axis: Axis = None, correction: float = 0, keepdims: bool = False) -> Array:
        return torch.std(x, dim=axis, correction=correction, keepdim=keepdims)

    def var(self, x: Array, *, axis: Axis = None, correction: float = 0, keepdims: bool = False) -> Array:
        return torch.var(x, dim=axis, correction=correction, keepdim=keepdims)

    def any(self, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
        return torch.any(x, dim=axis, keepdim=keepdims)

    def all(self, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
        return torch.all(x, dim=axis, keepdim=keepdims)

    def argmax(self, x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
        return torch.argmax(x, dim=axis, keepdim=keepdims)

    def argmin(self, x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
        return torch.argmin(x, dim=axis, keepdim=keepdims)

    def sort(self, x: Array, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
        return torch.sort(x, dim=axis, descending=descending, stable=stable).values

    def argsort(self, x: Array, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
        return torch.argsort(x, dim=axis, descending=descending, stable=stable)

    def cumulative_sum(self, x: Array, *, axis: int | None = None) -> Array:
        return torch.cumsum(x, dim=0 if axis is None else axis)

    def take(self, x: Array, indices: Array, *, axis: int | None = None) -> Array:
        if axis is None:
            x, axis = torch.reshape(x, (-1,)), 0
        shape = (*x.shape[:axis], *indices.shape, *x.shape[axis % x.ndim + 1 :])
        return torch.index_select(x, axis, torch.reshape(indices, (-1,))).reshape(shape)

    def take_along_axis(self, x: Array, indices: Array, *, axis: int = -1) -> Array:
        return torch.take_along_dim(x, indices, dim=axis)

    def tril(self, x: Array, *, k: int = 0) -> Array:
        return torch.tril(x, diagonal=k)

    def triu(self, x: Array, *, k: int = 0) -> Array:
        return torch.triu(x, diagonal=k)

    def full(self, shape: Any, value: Any, *, dtype: Any = None) -> Array:
        return torch.full(_shape(shape), value, dtype=dtype, device=self.device)

    def reshape(self, x: Array, shape: Any) -> Array:
        return torch.reshape(x, _shape(shape))

    def broadcast_to(self, x: Array, shape: Any) -> Array:
        return torch.broadcast_to(x, _shape(shape))

    def eye(self, rows: int, columns: int | None = None, *, k: int = 0, dtype: Any = None) -> Array:
        ones = self.ones((rows, rows if columns is None else columns), dtype=dtype)
        return self.triu(self.tril(ones, k=k), k=k)

    def concat(self, arrays: Any, *, axis: int | None = 0) -> Array:
        if axis is None:
            return torch.cat([torch.reshape(x, (-1,)) for x in arrays])
        return torch.cat(list(arrays), dim=axis)

    def stack(self, arrays: Any, *, axis: int = 0) -> Array:
        return torch.stack(list(arrays), dim=axis)

    def expand_dims(self, x: Array, *, axis: Axis = 0) -> Array:
        axes = axis if isinstance(axis, tuple) else (axis,)
        for one in sorted(one % (x.ndim + len(axes)) for one in axes):
            x = torch.unsqueeze(x, one)
        return x

    def squeeze(self, x: Array, axis: Axis) -> Array:
        return torch.squeeze(x, axis)

    def flip(self, x: Array, *, axis: Axis = None) -> Array:
        return torch.flip(x, tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,))

    def roll(self, x: Array, shift: Any, *, axis: Axis = None) -> Array:
        return torch.roll(x, shift, dims=axis)

    def permute_dims(self, x: Array, axes: tuple[int, ...]) -> Array:
        return torch.permute(x, axes)

    def astype(self, x: Array, dtype: Any, **_: Any) -> Array:
        return x.to(dtype)

    def clip(self, x: Array, min: Any = None, max: Any = None) -> Array:
        x = x if min is None else self.maximum(x, min)
        return x if max is None else self.minimum(x, max)


def _shape(shape: Any) -> Any:
    return (shape,) if isinstance(shape, int) else shape


def _with_numbers(function: Callable[[Array, Array], Array]) -> Callable[[Any, Any], Array]:
    """Let either argument of a function be a Python number."""

    def called(x: Any, y: Any) -> Array:
        if not isinstance(x, torch.Tensor):
            x = torch.as_tensor(x, dtype=y.dtype, device=y.device)
        elif not isinstance(y, torch.Tensor):
            y = torch.as_tensor(y, dtype=x.dtype, device=x.device)
        return function(x, y)

    return called


xp = Namespace()
