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

from slotforge.solvers.optim.adapters._fuse import fuse
from slotforge.solvers.optim.adapters._symbolic import Graph, Node, SymbolicAux, SymbolicNamespace, Unsupported
from slotforge.solvers.optim.adapters._torch_namespace import xp

_UNARY = """
    abs sqrt exp log sign tanh reciprocal floor ceil round trunc expm1 log1p sin cos tan sinh cosh
"""
_COMMUTATIVE = frozenset({"add", "multiply", "maximum", "minimum"})
_LISTS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "maximum": "maximum", "minimum": "minimum",
    "pow": "pow",
}  # fmt: skip
_NUMBER = {"add": "add", "scale": "mul", "maximum": "clamp_min", "minimum": "clamp_max", "pow": "pow"}
_FUSED = {  # with the keyword of their number
    "axpy": ("add", "alpha="), "addcmul": ("addcmul", "value="), "addcdiv": ("addcdiv", "value="), "lerp": ("lerp", ""),
}  # fmt: skip


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


def compiled(rule: Any, names: Any, state: Mapping[str, Any], p: torch.Tensor) -> Program:
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
        answer, told = rule.update(SymbolicNamespace(graph), g, inputs, point, hp, t, aux)
    except Unsupported:
        raise
    except Exception as error:
        raise Unsupported(f"{type(error).__name__}: {error}") from error
    outputs = {"p": answer, **{f"{slot}.{name}": value for slot, own in told.items() for name, value in own.items()}}
    fused, results = fuse(graph, {name: graph._argument(value) for name, value in outputs.items()})
    homes = {"p": "full", **{f"{s}.{n}": node.kind for s, own in inputs.items() for n, node in own.items()}}
    emitted = Emitter(fused, results, homes)
    found: dict[str, Any] = {"torch": torch, "xp": xp, "assign": assign, "inf": torch.inf, "nan": torch.nan}
    source = emitted.source()
    exec(source, found)
    return Program(
        source=source,
        numbers=found["numbers"],
        update=found["update"],
        asked=frozenset(aux._asked),
        splits="small" not in homes.values() and not any(node.kind == "small" for node in fused.nodes),
    )


def plain(x: torch.Tensor) -> bool:
    """Whether it is a tensor with memory of its own, and no stand-in such as a DTensor."""
    return type(x) in (torch.Tensor, torch.nn.Parameter)


def assign(into: list[torch.Tensor], values: list[torch.Tensor]) -> None:
    """Copy tensors into others; stand-ins one by one, as DTensors know no other way."""
    if all(map(plain, into)):
        torch._foreach_copy_(into, values)
        return
    for x, value in zip(into, values, strict=True):
        x.copy_(value)


def _kind(value: torch.Tensor, p: torch.Tensor) -> str:
    if not value.is_floating_point():
        raise Unsupported("state that is no real number")
    if value.shape == p.shape:
        return "full"
    if value.ndim == 0:
        return "small"
    raise Unsupported("state of another shape than p's")


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
        numbers = ["def numbers(xp, t, hp, facts):", *self.numbers, f"return ({given}{tail})"]
        update = ["def update(p, g, state, noise, floats):", *states, *floats, *self.lines]
        return "\n\n\n".join("\n    ".join(lines) for lines in (numbers, update)) + "\n"

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
            if name == "size":
                self.lines.append("size = [x.new_full((), x.numel()) for x in p]")
        elif node.op in _FUSED:
            base, *arrays, by = node.args
            name, keyword = _FUSED[node.op]
            rest = [*map(self._name, arrays), f"{keyword}{self._float(by)}"]
            self._call(i, node, name, base, rest)
        elif node.op in _UNARY.split():
            self._call(i, node, node.op, node.args[0], [])
        elif node.op in _NUMBER and node.args[1].kind == "number":
            a, by = node.args
            negative = node.op == "scale" and by.op == "const" and by.args[0] == -1
            self._call(i, node, "neg" if negative else _NUMBER[node.op], a, [] if negative else [self._float(by)])
        elif node.op == "where" and node.args[0].kind == "number":
            self._select(i, node)
        elif node.op in _LISTS and all(arg.kind != "number" for arg in node.args):
            a, b = node.args
            if node.op in _COMMUTATIVE and not self._free(i, node, a) and self._free(i, node, b):
                a, b = b, a
            self._call(i, node, _LISTS[node.op], a, [self._name(b)])
        else:
            self._each(i, node)

    def _free(self, i: int, node: Node, operand: Node) -> bool:
        """Whether the result may take the place of an operand."""
        kept = self.place[id(operand)] in ("g", "noise", "size") or operand.mask or node.mask
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

    def _select(self, i: int, node: Node) -> None:
        """Take one of two by a condition that is the same for all entries."""
        condition, a, b = self._float(node.args[0]), *node.args[1:]
        when = f"if not {condition}"
        if a.kind == "number" or not self._free(i, node, a):
            a, b, when = b, a, f"if {condition}"
        if a.kind == "number" or a.kind != node.kind or node.mask:
            self._each(i, node)
            return
        if not self._free(i, node, a):
            self.lines.append(f"a{i} = torch._foreach_clone({self.place[id(a)]})")
            self.place[id(node)] = f"a{i}"
        else:
            self.place[id(node)] = self.place[id(a)]
        into = self.place[id(node)]
        if b.kind == "number":
            self.lines.append(f"{when}:\n        for x in {into}:\n            x.fill_({self._float(b)})")
        else:
            self.lines.append(f"{when}:\n        assign({into}, {self.place[id(b)]})")

    def _each(self, i: int, node: Node) -> None:
        """Compute with a call for each array where there is none for lists."""
        lists = list({id(arg): arg for arg in node.args if arg.kind != "number"}.values())
        short = {id(arg): f"x{k}" for k, arg in enumerate(lists)}
        args = [short.get(id(arg)) or self._float(arg) for arg in node.args]
        if node.op == "where" and node.args[0].kind == "number":
            args[0] = f"p[0].new_full((), {args[0]}, dtype=torch.bool)"
        if node.op == "where" and all(arg.kind == "number" for arg in node.args[1:]):
            args[1] = f"p[0].new_full((), {args[1]})"
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
                self.lines.append(f"assign({home}, {self.place[id(node)]})")
