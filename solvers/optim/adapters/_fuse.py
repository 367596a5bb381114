"""Make a graph of symbols smaller: gather factors, and let sums take in products and quotients.

What is new among the operations: "scale" multiplies by a number; "axpy", "addcmul", "addcdiv" and "lerp" are sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import add, mul, neg, sub
from typing import Any

from slotforge.solvers.optim.adapters._symbolic import Graph, Node

_FOLDED: Mapping[str, Callable[..., float]] = {"add": add, "subtract": sub, "multiply": mul, "negative": neg}


def fuse(graph: Graph, outputs: Mapping[str, Node]) -> tuple[Graph, dict[str, Node]]:
    """Rewrite a graph for fewer passes over memory."""
    uses: dict[int, int] = {}
    for node in [*(arg for n in graph.nodes for arg in n.args if isinstance(arg, Node)), *outputs.values()]:
        uses[id(node)] = uses.get(id(node), 0) + 1
    rewriter = Rewriter(Graph(ndim=graph.ndim))
    new: dict[int, Node] = {}
    for node in graph.nodes:
        new[id(node)] = rewriter.rewrite(node, [new[id(a)] if isinstance(a, Node) else a for a in node.args])
        key = id(new[id(node)])
        rewriter.uses[key] = rewriter.uses.get(key, 0) + uses.get(id(node), 0)
    results = {name: new[id(node)] for name, node in outputs.items()}
    needed: set[int] = set()
    for node in reversed(rewriter.graph.nodes):
        if id(node) in needed or any(node is result for result in results.values()):
            needed |= {id(node), *(id(arg) for arg in node.args if isinstance(arg, Node))}
    rewriter.graph.nodes = [node for node in rewriter.graph.nodes if id(node) in needed]
    return rewriter.graph, results


class Rewriter:
    """The rules by which a graph is made smaller; "scale" multiplies by a number."""

    def __init__(self, graph: Graph) -> None:
        """Take in the graph to be written."""
        self.graph = graph
        self.uses: dict[int, int] = {}

    def rewrite(self, node: Node, args: list[Any]) -> Node:
        """Add one node, or what takes its place."""
        if node.op in _FOLDED and all(arg.op == "const" for arg in args):
            return self.graph.const(_FOLDED[node.op](*(arg.args[0] for arg in args)), node.wide)
        if node.op in ("input", "const") or node.kind == "number":
            return self.graph._node(node.op, tuple(args), node.kind, node.mask, node.wide)
        rule = getattr(self, f"_{node.op}", None)
        found = rule(*args) if rule else None
        return self.graph.apply(node.op, *args) if found is None else found

    def _scale(self, x: Node, by: Node) -> Node:
        if x.op == "scale":
            x, by = x.args[0], x.args[1] * by
        if by.op == "const" and by.args[0] == 1:
            return x
        return self.graph.apply("scale", x, by)

    def _factor(self, x: Node) -> tuple[Node, Node | None]:
        """Split off the number by which something that nobody else needs is multiplied."""
        return (x.args[0], x.args[1]) if x.op == "scale" and self._sole(x) else (x, None)

    def _sole(self, x: Node) -> bool:
        return self.uses.get(id(x), 1) == 1

    def _negative(self, x: Node) -> Node:
        return self._scale(x, self.graph.const(-1.0))

    def _multiply(self, a: Node, b: Node) -> Node | None:
        if a.kind == "number" or b.kind == "number":
            x, by = (b, a) if a.kind == "number" else (a, b)
            return None if x.mask else self._scale(x, by)
        (x, n), (y, m) = (self._factor(a), self._factor(b)) if a is not b else ((a, None), (b, None))
        factors = [by for by in (n, m) if by is not None]
        return self._scale(self.graph.apply("multiply", x, y), reduce(mul, factors)) if factors else None

    def _divide(self, a: Node, b: Node) -> Node | None:
        if b.kind == "number":
            return self._scale(a, 1.0 / b)
        if a.kind == "number":
            return self._scale(self.graph.apply("reciprocal", b), a)
        x, n = self._factor(a)
        return None if n is None else self._scale(self.graph.apply("divide", x, b), n)

    def _pow(self, a: Node, b: Node) -> Node | None:
        exponent = b.args[0] if b.op == "const" else None
        if exponent == 2:
            found = self._multiply(a, a)
            return self.graph.apply("multiply", a, a) if found is None else found
        return self.graph.apply("sqrt", a) if exponent == 0.5 else None

    def _where(self, condition: Node, a: Node, b: Node) -> Node | None:
        choice = [x.args[0] for x in (a, b) if x.op == "const"]
        plain = condition.kind != "number" and condition.mask and choice == [1, 0]
        return self.graph.apply("astype", condition) if plain else None

    def _add(self, a: Node, b: Node) -> Node | None:
        if a.kind == "number":
            return self.graph.apply("add", b, a)
        if b.kind == "number" or self._stays(a, b) or self._stays(b, a):
            return None
        if self._taken(b) and not (self._taken(a) and self._ages(b) and not self._ages(a)):
            return self._fused(a, b, 1.0)
        return self._fused(b, a, 1.0) if self._taken(a) else None

    def _subtract(self, a: Node, b: Node) -> Node | None:
        if b.kind == "number":
            return self.graph.apply("add", a, -b)
        if a.kind == "number":
            return self.graph.apply("add", self._negative(b), a)
        return self._fused(a, b, -1.0) if self._taken(b) else None

    def _taken(self, x: Node) -> bool:
        """Whether a sum can take it in."""
        return self._sole(x) and x.op in ("scale", "multiply", "divide") and x.kind == "full"

    def _ages(self, x: Node) -> bool:
        """Whether it can be computed where an old value lies."""
        return isinstance(x.args[0], Node) and not self._given(x.args[0])

    def _stays(self, given: Node, x: Node) -> bool:
        """Whether it is best to scale an old value where it lies, and then add what is given."""
        return self._given(given) and x.op == "scale" and self._ages(x)

    def _given(self, x: Node) -> bool:
        """Whether it comes from outside and must stay as it is."""
        return x.op == "input" and x.args[0] in ("g", "noise")

    def _fused(self, base: Node, x: Node, sign: float) -> Node:
        inner, by = self._factor(x)
        by = self.graph.const(sign) if by is None else by if sign > 0 else -by
        if inner.op in ("multiply", "divide") and (inner is x or self._sole(inner)):
            return self.graph.apply({"multiply": "addcmul", "divide": "addcdiv"}[inner.op], base, *inner.args, by)
        if inner.op == "subtract" and inner.args[1] is base and inner.args[0].kind == base.kind and self._sole(inner):
            return self.graph.apply("lerp", base, inner.args[0], by)
        return self.graph.apply("axpy", base, inner, by)
