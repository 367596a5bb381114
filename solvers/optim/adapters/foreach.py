"""Compile a rule that works entry by entry to `torch._foreach_*` operations on lists of tensors.

The rule runs once on symbols. Scale factors are gathered, sums take products and quotients in, and each operation
works in place where its operand is not needed any more, so that a step needs few passes and few temporaries. State
and parameters are updated where they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from slotforge.solvers.optim.adapters._symbolic import Graph, Namespace, Node, SymbolicAux, Unsupported
from slotforge.solvers.optim.adapters._torch_namespace import xp

_UNARY = {
    name: name
    for name in "abs sqrt exp log sign tanh reciprocal floor ceil round trunc expm1 log1p sin cos tan sinh cosh".split()
}
_COMMUTATIVE = frozenset({"add", "multiply", "maximum", "minimum"})
_LISTS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "maximum": "maximum", "minimum": "minimum",
    "pow": "pow",
}  # fmt: skip
_NUMBER = {"add": "add", "scale": "mul", "maximum": "clamp_min", "minimum": "clamp_max", "pow": "pow"}
_FUSED = {"axpy": "add", "addcmul": "addcmul", "addcdiv": "addcdiv"}


@dataclass(frozen=True, kw_only=True)
class Program:
    """A compiled step.

    source: of the functions below, for people.
    numbers: (xp, t, hp, facts) -> floats.
    update: (p, g, state, noise, floats) -> None; lists of tensors are updated in place, state is such lists by name.
    asked: facts that it needs.
    splits: whether it may be run on pieces of tensors.
    """

    source: str
    numbers: Callable[..., tuple[float, ...]]
    update: Callable[..., None]
    asked: frozenset[str]
    splits: bool


def compile(rule: Any, names: Any, state: Mapping[str, Any], p: torch.Tensor) -> Program:  # noqa: A001
    """Compile a composite of rules.

    Args:
        rule: with `update`, as a `compose.Composite` has it.
        names: of its numbers, by "slot.name".
        state: that `init` made for p: slot -> name -> tensor.
        p: one of the tensors that the program is for; those with as many axes can share it.

    Raises:
        Unsupported: the rule does more than work entry by entry.
    """
    graph = Graph(ndim=p.ndim)
    inputs = {
        slot: {name: graph.input(f"{slot}.{name}", _kind(value, p)) for name, value in own.items()}
        for slot, own in state.items()
    }
    hp = {name: graph.input(name, "number") for name in names}
    aux, t = SymbolicAux(graph), graph.input("t", "number")
    point, g = graph.input("p", "full"), graph.input("g", "full")
    try:
        answer, told = rule.update(Namespace(graph), g, inputs, point, hp, t, aux)
    except Unsupported:
        raise
    except Exception as error:
        raise Unsupported(f"{type(error).__name__}: {error}") from error
    outputs = {"p": answer, **{f"{slot}.{name}": value for slot, own in told.items() for name, value in own.items()}}
    fused, results = fuse(graph, {name: graph._argument(value) for name, value in outputs.items()})
    homes = {"p": "full", **{f"{s}.{n}": node.kind for s, own in inputs.items() for n, node in own.items()}}
    emitted = Emitter(fused, results, homes)
    found: dict[str, Any] = {"torch": torch, "xp": xp}
    source = emitted.source()
    exec(source, found)
    return Program(
        source=source,
        numbers=found["numbers"],
        update=found["update"],
        asked=frozenset(aux._asked),
        splits="small" not in homes.values() and not any(node.kind == "small" for node in fused.nodes),
    )


def _kind(value: torch.Tensor, p: torch.Tensor) -> str:
    if value.shape == p.shape:
        return "full"
    if value.ndim == 0:
        return "small"
    raise Unsupported("state of another shape than p's")


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
        if node.op in ("input", "const") or node.kind == "number":
            return self.graph._node(node.op, tuple(args), node.kind, node.mask)
        rule = getattr(self, f"_{node.op}", None)
        found = rule(*args) if rule else None
        return self.graph.apply(node.op, *args) if found is None else found

    def _scale(self, x: Node, by: Node) -> Node:
        if x.op == "scale":
            x, by = x.args[0], x.args[1] * by
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
        (x, n), (y, m) = self._factor(a), self._factor(b) if b is not a else (b, None)
        if n is None and m is None:
            return None
        by = n if m is None else m if n is None else n * m
        return self._scale(self.graph.apply("multiply", x, y), by)  # type: ignore[arg-type]

    def _divide(self, a: Node, b: Node) -> Node | None:
        if b.kind == "number":
            return self._scale(a, 1.0 / b)  # type: ignore[operator]
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

    def _add(self, a: Node, b: Node) -> Node | None:
        if a.kind == "number":
            return self.graph.apply("add", b, a)
        if b.kind == "number":
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
        first = x.args[0]
        return isinstance(first, Node) and not (first.op == "input" and first.args[0] in ("g", "noise"))

    def _fused(self, base: Node, x: Node, sign: float) -> Node:
        inner, by = self._factor(x)
        by = self.graph.const(sign) if by is None else by if sign > 0 else -by
        if inner.op in ("multiply", "divide") and (inner is x or self._sole(inner)):
            return self.graph.apply({"multiply": "addcmul", "divide": "addcdiv"}[inner.op], base, *inner.args, by)
        return self.graph.apply("axpy", base, inner, by)


class Emitter:
    """Writes the program, with a place in memory for each value."""

    def __init__(self, graph: Graph, outputs: Mapping[str, Node], homes: Mapping[str, str]) -> None:
        """Plan how long each value lives.

        Args:
            outputs: what each home holds after the step.
            homes: "p" and the entries of the state, with their kinds.
        """
        self.graph, self.outputs, self.homes = graph, outputs, homes
        self.home = {name: "p" if name == "p" else f"s{place}" for place, name in enumerate(homes)}
        self.last = {id(arg): i for i, node in enumerate(graph.nodes) for arg in node.args if isinstance(arg, Node)}
        self.last |= {id(node): len(graph.nodes) for node in outputs.values()}
        self.place: dict[int, str] = {}
        self.floats: dict[int, int] = {}
        self.numbers: list[str] = []
        self.lines: list[str] = []

    def source(self) -> str:
        """Write all of it."""
        for i, node in enumerate(self.graph.nodes):
            (self._number if node.kind == "number" else self._array)(i, node)
        self._store()
        states = [f"{place} = state[{name!r}]" for name, place in self.home.items() if name != "p"]
        given = ", ".join(f"n{i}.item()" for i in self.floats)
        tail = "," if len(self.floats) == 1 else ""
        floats = [f"{', '.join(f'f{i}' for i in self.floats)}{tail} = floats"] if self.floats else []
        return "\n    ".join(
            ["def numbers(xp, t, hp, facts):", *self.numbers, f"return ({given}{tail})"]
        ) + "\n\n\ndef update(p, g, state, noise, floats):\n    " + "\n    ".join([*states, *floats, *self.lines]) + "\n"

    def _number(self, i: int, node: Node) -> None:
        self.place[id(node)] = f"n{i}"
        if node.op == "const":
            self.place[id(node)] = repr(node.args[0])
        elif node.op == "input":
            name = node.args[0]
            where = "t" if name == "t" else f"hp[{name!r}]" if "." in name else f"facts[{name!r}]"
            self.numbers.append(f"n{i} = {where}")
        else:
            args = [self.place[id(arg)] for arg in node.args]
            if all(arg.op == "const" for arg in node.args):
                args[0] = f"xp.full_like(t, {args[0]})"
            self.numbers.append(f"n{i} = xp.{node.op}({', '.join(args)})")

    def _float(self, node: Node) -> str:
        """Name a number as the program over lists knows it."""
        if node.op == "const":
            return repr(node.args[0])
        i = int(self.place[id(node)][1:])
        self.floats.setdefault(i, i)
        return f"f{i}"

    def _name(self, node: Node) -> str:
        return self._float(node) if node.kind == "number" else self.place[id(node)]

    def _array(self, i: int, node: Node) -> None:
        if node.op == "input":
            name = node.args[0]
            self.place[id(node)] = self.home.get(name, name)
        elif node.op in _FUSED:
            base, *arrays, by = node.args
            value = {"axpy": "alpha"}.get(node.op, "value")
            rest = [*map(self._name, arrays), f"{value}={self._float(by)}"]
            self._call(i, node, _FUSED[node.op], base, rest)
        elif node.op in _UNARY:
            self._call(i, node, node.op, node.args[0], [])
        elif node.op in _NUMBER and node.args[1].kind == "number":
            a, by = node.args
            negative = node.op == "scale" and by.op == "const" and by.args[0] == -1
            self._call(i, node, "neg" if negative else _NUMBER[node.op], a, [] if negative else [self._float(by)])
        elif node.op in _LISTS and all(arg.kind != "number" for arg in node.args):
            a, b = node.args
            if node.op in _COMMUTATIVE and not self._free(i, node, a) and self._free(i, node, b):
                a, b = b, a
            self._call(i, node, _LISTS[node.op], a, [self._name(b)])
        else:
            self._each(i, node)

    def _free(self, i: int, node: Node, operand: Node) -> bool:
        """Whether the result may take the place of an operand."""
        kept = self.place[id(operand)] in ("g", "noise") or operand.mask or node.mask
        return not kept and operand.kind == node.kind and self.last[id(operand)] == i

    def _call(self, i: int, node: Node, name: str, target: Node, rest: list[str]) -> None:
        if target.mask or (target.kind == "number"):
            self._each(i, node)
            return
        call = ", ".join([self.place[id(target)], *rest])
        if self._free(i, node, target):
            self.place[id(node)] = self.place[id(target)]
            self.lines.append(f"torch._foreach_{name}_({call})")
        else:
            self.place[id(node)] = f"a{i}"
            self.lines.append(f"a{i} = torch._foreach_{name}({call})")

    def _each(self, i: int, node: Node) -> None:
        """Compute with a call for each array where there is none for lists."""
        lists = list({id(arg): arg for arg in node.args if arg.kind != "number"}.values())
        short = {id(arg): f"x{k}" for k, arg in enumerate(lists)}
        args = [short.get(id(arg)) or self._float(arg) for arg in node.args]
        name = {"scale": "multiply", "vector_norm": "linalg.vector_norm"}.get(node.op, node.op)
        args += ["p[0].dtype"] if node.op == "astype" else []
        self.place[id(node)] = f"a{i}"
        over = f"{short[id(lists[0])]} in {self.place[id(lists[0])]}"
        if len(lists) > 1:
            zipped = ", ".join(self.place[id(arg)] for arg in lists)
            over = f"{', '.join(short.values())} in zip({zipped}, strict=True)"
        self.lines.append(f"a{i} = [xp.{name}({', '.join(args)}) for {over}]")

    def _store(self) -> None:
        """Bring each result to its home, in an order in which none is lost."""
        moves = {self.home[name]: node for name, node in self.outputs.items()}
        away = {home: node for home, node in moves.items() if self.place[id(node)] != home}
        for k, (home, node) in enumerate(away.items()):
            if node.kind != "number" and self.place[id(node)] in away:
                self.lines.append(f"c{k} = [x.clone() for x in {self.place[id(node)]}]")
                away[home] = Node(self.graph, "copy", (), node.kind)
                self.place[id(away[home])] = f"c{k}"
        for home, node in away.items():
            if node.kind == "number":
                self.lines.append(f"for x in {home}:\n        x.fill_({self._float(node)})")
            elif node.mask or node.kind != dict(zip(self.home.values(), self.homes.values(), strict=True))[home]:
                self.lines.append(f"for x, y in zip({home}, {self.place[id(node)]}, strict=True):\n        x.copy_(y)")
            else:
                self.lines.append(f"torch._foreach_copy_({home}, {self.place[id(node)]})")
