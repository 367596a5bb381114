"""What a rule may be made of: functions of the array namespace, asides, syntax; and what is said to everything else.

A function is in the array API standard (2024.12) and behaves alike in NumPy, JAX and torch. `Call` says with what it
may be called: what is not listed (`out=` above all) would let a rule change arrays in place.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Literal, NamedTuple

Result = Literal["same", "mask", "reduced", "index", "array", "made", "list", "joined", "where", "arrays"]


class Call(NamedTuple):
    """How a function may be called.

    result: same (as its arguments), mask, reduced (by axis), index, array, made (of a shape, needs a dtype), list (of
        arrays, of which the answer is as large as all together), joined (a shape or an axis more), where, arrays.
    least, most: positional arguments.
    keywords: that it takes besides.
    arrays: how many of the first arguments must be arrays; in "same" and "mask" with two of them one is enough.
    """

    result: Result
    least: int = 1
    most: int = 1
    keywords: tuple[str, ...] = ()
    arrays: int = 1


_UNARY, _BINARY = Call("same"), Call("same", 2, 2, arrays=1)
_TEST, _COMPARE = Call("mask"), Call("mask", 2, 2, arrays=1)
_REDUCE = Call("reduced", keywords=("axis", "keepdims"))
_LIKE = Call("same")
_MADE = Call("made", keywords=("dtype",), arrays=0)

FUNCTIONS: Mapping[str, Call] = {
    **dict.fromkeys(
        (
            "abs",
            "sign",
            "sqrt",
            "square",
            "exp",
            "expm1",
            "log",
            "log1p",
            "log2",
            "log10",
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "sinh",
            "cosh",
            "tanh",
            "asinh",
            "acosh",
            "atanh",
            "floor",
            "ceil",
            "round",
            "trunc",
            "negative",
            "reciprocal",
        ),
        _UNARY,
    ),
    **dict.fromkeys(
        (
            "add",
            "subtract",
            "multiply",
            "divide",
            "pow",
            "remainder",
            "maximum",
            "minimum",
            "atan2",
            "hypot",
            "logaddexp",
            "copysign",
        ),
        _BINARY,
    ),
    "clip": Call("same", 3, 3),
    "where": Call("where", 3, 3),
    **dict.fromkeys(("isfinite", "isnan", "isinf", "logical_not"), _TEST),
    **dict.fromkeys(
        (
            "equal",
            "not_equal",
            "greater",
            "greater_equal",
            "less",
            "less_equal",
            "logical_and",
            "logical_or",
            "logical_xor",
        ),
        _COMPARE,
    ),
    **dict.fromkeys(("sum", "mean", "max", "min", "prod"), _REDUCE),
    **dict.fromkeys(("std", "var"), Call("reduced", keywords=("axis", "keepdims", "correction"))),
    **dict.fromkeys(("any", "all"), Call("reduced", keywords=("axis", "keepdims"))),
    **dict.fromkeys(("argmax", "argmin"), Call("index", keywords=("axis", "keepdims"))),
    "argsort": Call("index", keywords=("axis", "descending")),
    "sort": Call("same", keywords=("axis", "descending")),
    "cumulative_sum": Call("same", keywords=("axis",)),
    "take": Call("array", 2, 2, ("axis",), arrays=2),
    "take_along_axis": Call("array", 2, 2, ("axis",), arrays=2),
    "zeros_like": _LIKE,
    "ones_like": _LIKE,
    "full_like": Call("same", 2, 2),
    "zeros": _MADE,
    "ones": _MADE,
    "full": Call("made", 2, 2, ("dtype",), arrays=0),
    "eye": Call("made", 1, 2, ("dtype", "k"), arrays=0),
    "arange": Call("made", 1, 3, ("dtype",), arrays=0),
    "linspace": Call("made", 3, 3, ("dtype",), arrays=0),
    "asarray": Call("made", 1, 1, ("dtype",), arrays=0),
    "reshape": Call("array", 2, 2),
    "broadcast_to": Call("joined", 2, 2),
    "concat": Call("list", keywords=("axis",), arrays=0),
    "stack": Call("list", keywords=("axis",), arrays=0),
    "expand_dims": Call("array", keywords=("axis",)),
    "squeeze": Call("array", keywords=("axis",)),
    "permute_dims": Call("array", 2, 2),
    "moveaxis": Call("array", 3, 3),
    "flip": Call("same", keywords=("axis",)),
    "roll": Call("same", 2, 2, ("axis",)),
    "tril": Call("same", keywords=("k",)),
    "triu": Call("same", keywords=("k",)),
    "matmul": Call("array", 2, 2, arrays=2),
    "vecdot": Call("array", 2, 2, ("axis",), arrays=2),
    "tensordot": Call("array", 2, 2, ("axes",), arrays=2),
    "matrix_transpose": _UNARY,
}

LINALG: Mapping[str, Call] = {
    **dict.fromkeys(("inv", "cholesky", "det", "svdvals", "trace", "diagonal", "pinv", "eigvalsh"), Call("array")),
    **dict.fromkeys(("solve", "outer"), Call("array", 2, 2, arrays=2)),
    "vector_norm": Call("reduced", keywords=("axis", "keepdims", "ord")),
    "matrix_norm": Call("array", keywords=("keepdims", "ord")),
    "eigh": Call("arrays"),
    "qr": Call("arrays"),
    "svd": Call("arrays", keywords=("full_matrices",)),
}

_KEEPING = """
    flip roll tril triu matrix_transpose reshape broadcast_to expand_dims squeeze permute_dims moveaxis take
    take_along_axis zeros_like ones_like
"""
KEEPING = frozenset(_KEEPING.split())
"""Functions whose answer has entries of the sort of their first array, whatever that is."""

COUNTING = frozenset(("sum", "cumulative_sum"))
"""Functions that make whole numbers of truth values."""

_OF_WHOLES = """
    abs negative square max min sort argsort argmax argmin clip add subtract multiply remainder maximum minimum
"""
OF_WHOLES = frozenset(_OF_WHOLES.split())
"""Functions that make whole numbers of whole numbers, and numbers of p's type where there is one among them."""

PARTS: Mapping[str, int] = {"eigh": 2, "qr": 2, "svd": 3}
"""How many arrays come out of a decomposition."""

FACTS = ("value", "norm", "noise", "horizon", "rank", "spread", "parent")
QUESTIONS = ("grad", "grads", "hvp", "hessian", "mix", "mix_sign")
SCALARS = ("value", "norm", "horizon")
ATTRIBUTES = ("shape", "ndim", "mT", "dtype")
METHODS = ("append", "items", "keys", "values")

SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "init": ("xp", "p"),
    "update": ("xp", "g", "state", "p", "hp", "t", "aux"),
}

NODES: tuple[type[ast.AST], ...] = (
    ast.Module, ast.Expr, ast.Assign, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.If, ast.For,
    ast.Name, ast.Load, ast.Store, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice, ast.Call, ast.keyword,
    ast.Tuple, ast.List, ast.Dict, ast.Starred, ast.IfExp, ast.BoolOp, ast.And, ast.Or, ast.Compare,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.UnaryOp, ast.USub, ast.UAdd, ast.Not, ast.Invert,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult,
    ast.BitAnd, ast.BitOr, ast.BitXor, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.comprehension,
)  # fmt: skip

REFUSED: Mapping[str, str] = {
    "Import": "imports are not allowed: xp has the array functions",
    "ImportFrom": "imports are not allowed: xp has the array functions",
    "ClassDef": "classes are not allowed: keep state in the dict that update returns",
    "Lambda": "lambda is not allowed: write a helper function",
    "While": "while is not allowed: write a for over range with a constant number of rounds, and xp.where",
    "Try": "try is not allowed: avoid the error with xp.where or xp.maximum",
    "TryStar": "try is not allowed: avoid the error with xp.where or xp.maximum",
    "With": "with is not allowed",
    "Global": "global is not allowed: keep state in the dict that update returns",
    "Nonlocal": "nonlocal is not allowed: keep state in the dict that update returns",
    "Delete": "del is not allowed: give the name another value",
    "Raise": "raise is not allowed: choose another value with xp.where",
    "Assert": "assert is not allowed: choose another value with xp.where",
    "Yield": "yield is not allowed: return (answer, state)",
    "YieldFrom": "yield is not allowed: return (answer, state)",
    "Await": "await is not allowed",
    "AsyncFunctionDef": "async is not allowed",
    "AsyncFor": "async is not allowed",
    "AsyncWith": "async is not allowed",
    "JoinedStr": "f-strings are not allowed: strings are only keys of dicts",
    "NamedExpr": ":= is not allowed: assign in a line of its own",
    "AugAssign": "augmented assignment changes arrays in place: write x = x + y",
    "AnnAssign": "annotations are not allowed: write name = value",
    "SetComp": "sets are not allowed",
    "Set": "sets are not allowed",
    "Match": "match is not allowed: write xp.where on arrays, if on shapes",
    "Break": "break is not allowed: freeze values with xp.where",
    "Continue": "continue is not allowed: choose values with xp.where",
    "Is": "is is not allowed: write ==",
    "IsNot": "is not is not allowed: write !=",
    "In": "in is not allowed: compare with ==",
    "NotIn": "not in is not allowed: compare with !=",
    "LShift": "<< is not allowed: multiply",
    "RShift": ">> is not allowed: divide",
    "Pass": "pass is not allowed: leave the line out",
}

BUILTINS: Mapping[str, str] = {
    "float": "float() fails on traced arrays: arrays are numbers already, leave it out",
    "int": "int() fails on traced arrays: write xp.floor, or use shapes",
    "bool": "bool() fails on traced arrays: write xp.where",
    "max": "max() branches on arrays: write xp.maximum(a, b) or xp.max(x)",
    "min": "min() branches on arrays: write xp.minimum(a, b) or xp.min(x)",
    "abs": "abs() is written xp.abs",
    "sum": "sum() is written xp.sum",
    "pow": "pow() is written **",
    "round": "round() is written xp.round",
    "print": "print is not allowed: a rule only returns (answer, state)",
    "np": "np is not there: xp is the array namespace",
    "numpy": "numpy is not there: xp is the array namespace",
    "jnp": "jnp is not there: xp is the array namespace",
    "jax": "jax is not there: xp is the array namespace",
    "torch": "torch is not there: xp is the array namespace",
    "math": "math is not there: write the constant, or an xp function of an array",
    "random": "random is not there: aux.noise holds fresh standard normal numbers",
}

ABSENT: Mapping[str, str] = {
    "random": "random numbers would be frozen by the compiler: use aux.noise",
    "T": "x.T means other things in other libraries: write x.mT",
    "power": "xp.power is written xp.pow or **",
    "concatenate": "xp.concatenate is written xp.concat",
    "transpose": "xp.transpose is written xp.matrix_transpose or .mT",
    "norm": "norm is written xp.linalg.vector_norm or xp.linalg.matrix_norm",
    "dot": "xp.dot is written @, xp.vecdot or xp.sum(a * b)",
    "cumsum": "xp.cumsum is written xp.cumulative_sum",
    "array": "xp.array is written xp.asarray(..., dtype=p.dtype)",
    "einsum": "xp.einsum is not in the standard: write @, xp.tensordot or xp.sum",
    "copy": "copies are not needed: nothing is changed in place",
    "pi": "xp.pi is not an array function: write a constant at the top of the file",
    "float32": "types are not named: write dtype=p.dtype",
    "float64": "types are not named: write dtype=p.dtype",
    "astype": "types do not change: write dtype=p.dtype where an array is made",
    "item": "item() fails on traced arrays: leave it out",
    "at": "arrays do not change in place: write xp.where",
    "size": "size differs between libraries: multiply the entries of x.shape",
}
