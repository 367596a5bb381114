"""Run a rule on symbols instead of arrays, and keep what it computes as a graph.

Three kinds of values: a "number" is one for all arrays of parameters, a "small" one per array, a "full" one per entry.
An array of p's shape with one number everywhere counts as that number, marked as wide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("number", "small", "full")
DTYPE = object()  # of all arrays, whatever it is
_MASKS = """
    less less_equal greater greater_equal equal not_equal logical_and logical_or logical_not logical_xor isfinite isnan
    isinf
"""
_ELEMENTWISE = """
    abs add subtract multiply divide pow negative sqrt exp log sign maximum minimum tanh reciprocal floor ceil round
    trunc expm1 log1p sin cos tan sinh cosh asin acos atan atan2 asinh acosh atanh log2 log10 logaddexp hypot where
    remainder copysign astype
"""
MASKS = frozenset(_MASKS.split())
ELEMENTWISE = MASKS | frozenset(_ELEMENTWISE.split())
REDUCTIONS = frozenset({"sum", "mean", "max", "min", "vector_norm"})


class Unsupported(Exception):
    """The rule does something that has no form over lists of arrays."""


@dataclass(eq=False)
class Node:
    """A value of the graph; it takes the place of an array in a rule."""

    graph: Graph
    op: str
    args: tuple[Any, ...]
    kind: str
    mask: bool = False
    wide: bool = False
    dtype: Any = DTYPE

    @property
    def ndim(self) -> int:
        """The number of axes, which a program is made for."""
        return self.graph.ndim if self.kind == "full" or self.wide else 0

    def __getattr__(self, name: str) -> Any:
        raise Unsupported(f"the attribute {name}")

    def __bool__(self) -> bool:
        raise Unsupported("a branch on a value")

    def _binary(op: str, swap: bool = False) -> Any:  # type: ignore[misc]  # noqa: N805
        def called(self: Node, other: Any) -> Node:
            return self.graph.apply(op, other, self) if swap else self.graph.apply(op, self, other)

        return called

    __add__, __radd__ = _binary("add"), _binary("add", True)
    __sub__, __rsub__ = _binary("subtract"), _binary("subtract", True)
    __mul__, __rmul__ = _binary("multiply"), _binary("multiply", True)
    __truediv__, __rtruediv__ = _binary("divide"), _binary("divide", True)
    __pow__, __rpow__ = _binary("pow"), _binary("pow", True)
    __mod__, __rmod__ = _binary("remainder"), _binary("remainder", True)
    __lt__, __le__, __gt__, __ge__ = map(_binary, ("less", "less_equal", "greater", "greater_equal"))
    __eq__, __ne__ = _binary("equal"), _binary("not_equal")
    __and__, __or__, __xor__ = map(_binary, ("logical_and", "logical_or", "logical_xor"))
    __hash__ = object.__hash__

    def __neg__(self) -> Node:
        return self.graph.apply("negative", self)

    def __abs__(self) -> Node:
        return self.graph.apply("abs", self)

    def __invert__(self) -> Node:
        return self.graph.apply("logical_not", self)


@dataclass
class Graph:
    """Values in the order in which they are computed; equal ones are there once."""

    ndim: int = 1
    nodes: list[Node] = field(default_factory=list)
    _known: dict[Any, Node] = field(default_factory=dict)

    def input(self, name: str, kind: str) -> Node:
        """Add a value that comes from outside."""
        return self._node("input", (name,), kind)

    def const(self, value: float, wide: bool = False) -> Node:
        """Add a Python number."""
        return self._node("const", (value,), "number", wide=wide)

    def apply(self, op: str, *arguments: Any) -> Node:
        """Add the result of an operation."""
        args = tuple(self._argument(value) for value in arguments)
        if op in REDUCTIONS:
            return self._reduced(op, args[0])
        if op == "astype" and args[0].kind == "number":
            return args[0]
        kind = max((arg.kind for arg in args), key=KINDS.index)
        mask = op in MASKS or (op == "where" and all(arg.mask for arg in args))
        return self._node(op, args, kind, mask, kind == "number" and any(arg.wide for arg in args))

    def _reduced(self, op: str, x: Node) -> Node:
        if op == "sum" and x.mask:
            raise Unsupported("a count of truth values")
        if x.kind != "number":
            return self._node(op, (x,), "small")
        size = self.input("size", "small") if x.wide else self.const(1)
        if op == "sum":
            return self.apply("multiply", size, x)
        return self.apply("multiply", self.apply("sqrt", size), self.apply("abs", x)) if op == "vector_norm" else x

    def _argument(self, value: Any) -> Node:
        if isinstance(value, Node):
            return value
        if isinstance(value, bool | int | float):
            return self.const(value)
        raise Unsupported(f"a {type(value).__name__} among arrays")

    def _node(self, op: str, args: tuple[Any, ...], kind: str, mask: bool = False, wide: bool = False) -> Node:
        key = (op, kind, wide, *((type(arg), arg) if not isinstance(arg, Node) else id(arg) for arg in args))
        if key not in self._known:
            self._known[key] = Node(self, op, args, kind, mask, wide)
            self.nodes.append(self._known[key])
        return self._known[key]


@dataclass(frozen=True)
class SymbolicNamespace:
    """What stands for `xp` while a rule runs on symbols."""

    graph: Graph

    @property
    def linalg(self) -> SymbolicNamespace:
        """The norm of all entries is all that there is of it."""
        return self

    def __getattr__(self, name: str) -> Callable[..., Node]:
        if name in ELEMENTWISE:
            return lambda *args, **options: self._elementwise(name, args, options)
        if name in REDUCTIONS:
            return lambda x, **options: self._reduction(name, x, options)
        raise Unsupported(f"xp.{name}")

    def _elementwise(self, name: str, args: tuple[Any, ...], options: Mapping[str, Any]) -> Node:
        if options:
            raise Unsupported(f"xp.{name} with {', '.join(options)}")
        if name == "astype" and args[1] is not DTYPE:
            raise Unsupported("another dtype")
        return self.graph.apply(name, *(arg for arg in args if arg is not DTYPE))

    def _reduction(self, name: str, x: Node, options: Mapping[str, Any]) -> Node:
        if any(value is not None and value is not False for value in options.values()):
            raise Unsupported(f"xp.{name} with {', '.join(options)}")
        return self.graph.apply(name, x)

    def square(self, x: Node) -> Node:
        return self.graph.apply("multiply", x, x)

    def clip(self, x: Node, min: Any = None, max: Any = None) -> Node:
        x = x if min is None else self.graph.apply("maximum", x, min)
        return x if max is None else self.graph.apply("minimum", x, max)

    def full_like(self, x: Node, value: Any, **_: Any) -> Node:
        if not isinstance(value, int | float):
            return self.graph.apply("add", self.zeros_like(x), value)
        return self.graph.const(value, wide=x.wide or x.kind == "full")

    def zeros_like(self, x: Node, **_: Any) -> Node:
        return self.full_like(x, 0.0)

    def ones_like(self, x: Node, **_: Any) -> Node:
        return self.full_like(x, 1.0)


class SymbolicAux:
    """What stands for `aux`: facts are inputs; a rule that asks questions has no form over lists."""

    def __init__(self, graph: Graph) -> None:
        """Take in the graph, and learn which facts are used."""
        self._graph = graph
        self._asked: set[str] = set()

    def __getattr__(self, name: str) -> Node:
        if name.startswith("_") or name not in ("value", "norm", "noise", "horizon", "rank"):
            raise Unsupported(f"aux.{name}")
        self._asked.add(name)
        return self._graph.input(name, "full" if name == "noise" else "number")
