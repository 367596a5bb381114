"""The words that a policy may be made of."""

from __future__ import annotations

import ast
from collections.abc import Mapping


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


NUMPY = _listed(
    """
    abs absolute add all any append arange arccos arcsin arctan arctan2 argmax argmin argpartition argsort
    argwhere array array_equal asarray atleast_1d atleast_2d average bincount broadcast_to cbrt ceil clip
    column_stack concatenate copy copysign corrcoef cos cosh count_nonzero cov cross cumprod cumsum diag
    diagonal diff divide digitize dot e equal exp exp2 expand_dims expm1 extract eye fill_diagonal flatnonzero
    flip float32 float64 floor floor_divide fmax fmin full full_like gradient greater greater_equal heaviside
    histogram hstack hypot identity inf inner int32 int64 interp intersect1d invert isclose isfinite isin isinf
    isnan ix_ less less_equal linalg linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or
    logical_xor logspace matmul max maximum mean median min minimum mod multiply nan nan_to_num nanargmax
    nanargmin nanmax nanmean nanmin nansum ndim negative newaxis nonzero norm not_equal ones ones_like outer
    partition percentile pi power prod ptp put_along_axis quantile ravel reciprocal remainder repeat reshape
    roll rot90 round searchsorted select setdiff1d shape sign sin sinh size sort sqrt square squeeze stack std
    subtract sum swapaxes take take_along_axis tan tanh tile trace transpose trapezoid tril triu true_divide
    trunc union1d unique var vstack where zeros zeros_like
    """
)

METHODS = _listed(
    """
    T accumulate add argmax argmin argsort astype clear clip copy count cumprod cumsum diagonal discard dot
    dtype extend fill flatten get index insert intersection item items keys max mean min ndim nonzero pop prod
    ravel reduce remove repeat reshape round shape size sort squeeze std sum take tolist trace transpose union
    update values var
    """
)

BUILTINS = _listed(
    """
    abs all any bool dict enumerate filter float int len list map max min pow range reversed round set slice
    sorted sum tuple zip
    """
)

NODES: tuple[type[ast.AST], ...] = (
    ast.Module, ast.Expr, ast.Assign, ast.AugAssign, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.If,
    ast.For, ast.While, ast.Break, ast.Continue, ast.Pass, ast.Lambda,
    ast.Name, ast.Load, ast.Store, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice, ast.Call, ast.keyword,
    ast.Tuple, ast.List, ast.Dict, ast.Set, ast.Starred, ast.IfExp, ast.BoolOp, ast.boolop, ast.Compare, ast.cmpop,
    ast.UnaryOp, ast.unaryop, ast.BinOp, ast.operator,
    ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.comprehension,
)  # fmt: skip

REFUSED: Mapping[str, str] = {
    "Import": "only `import numpy as np` at the top is allowed",
    "ImportFrom": "only `import numpy as np` at the top is allowed",
    "ClassDef": "classes are not allowed: write functions",
    "Try": "try is not allowed: avoid the error, e.g. with np.where or np.maximum",
    "With": "with is not allowed",
    "Global": "global is not allowed: a policy remembers nothing between calls",
    "Nonlocal": "nonlocal is not allowed: return the value",
    "Delete": "del is not allowed",
    "Raise": "raise is not allowed: return a value in any case",
    "Assert": "assert is not allowed: return a value in any case",
    "Yield": "yield is not allowed: return a list",
    "JoinedStr": "f-strings are not allowed: a policy says nothing",
    "NamedExpr": ":= is not allowed: assign in a line of its own",
}
