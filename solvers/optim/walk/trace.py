"""Walks through a rule as an evaluator would, with kinds of values in place of values, and stops at the first fault.

Every branch is taken and every loop is unrolled, so the number of steps taken here bounds what tracing the rule costs.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from slotforge.solvers.optim.walk import entries
from slotforge.solvers.optim.walk.expressions import Expressions
from slotforge.solvers.optim.walk.faults import Fault, short
from slotforge.solvers.optim.walk.kinds import (
    AXES,
    NUMBER,
    SIZE,
    Array,
    Group,
    Kind,
    Listing,
    Many,
    Space,
    Table,
    items_of,
    join,
)
from slotforge.solvers.optim.walk.parts import Names


class Trace(Expressions):
    """A walk through a rule.

    kinds: what each expression of the functions was, by `id` of its node.
    keys: of the state that init makes.
    """

    def __init__(self, tree: ast.Module, slot: str, numbers: frozenset[str]) -> None:
        """Take in a module that has passed the look at its syntax.

        Args:
            numbers: names that HP declares.
        """
        self.kinds: dict[int, Kind] = {}
        self._numbers = numbers
        self._slot = slot
        self._depth: list[str] = []
        self._returned: list[list[Kind]] = []
        self._functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self._constants: Names = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and _target(node) != "HP":
                self._assign(node.targets[0], self.value(node.value, self._constants), self._constants)
        begun = self._init()
        self.keys = frozenset(begun)
        self._state = Table(dict(begun))
        self._update(begun)

    def _init(self) -> dict[str, Array]:
        node = self._functions["init"]
        begun = self._function(node, [Space("xp"), Array()])
        if not isinstance(begun, Table):
            raise Fault(node, "init must return a dict of arrays")
        return {key: replace(value, size=SIZE) for key, value in self._arrays(node, begun).items()}

    def _update(self, begun: Mapping[str, Array]) -> None:
        node = self._functions["update"]
        g = Array(scalar=self._slot == "schedule")
        given: list[Kind] = [Space("xp"), g, self._state, Array(), Space("hp"), Array(scalar=True), Space("aux")]
        answer = self._function(node, given)
        if not isinstance(answer, Group) or len(answer.items) != 2 or not isinstance(answer.items[1], Table):
            raise Fault(node, "update must return (answer, state), the state as a dict of arrays")
        if not entries.numbers(answer.items[0]):
            raise Fault(node, "the answer of update must be an array of numbers, as xp.zeros_like(p)")
        made = self._arrays(node, answer.items[1])
        if odd := sorted(self.keys ^ set(answer.items[1].items)):
            missing = "update does not return it" if odd[0] in self.keys else "init does not make it"
            raise Fault(node, f"the state has '{odd[0]}', but {missing}: both need the same keys")
        for key, value in made.items():
            if not entries.same(value, begun[key]):
                raise Fault(node, f"'{key}' of the state is of another type than init makes it: {entries.TRUTH}")

    def _arrays(self, node: ast.AST, table: Table) -> dict[str, Array]:
        for key, value in table.items.items():
            if not isinstance(value, Array):
                raise Fault(node, f"'{key}' of the state is no array: write xp.zeros_like(p), or xp.zeros_like(t)")
        return {key: value for key, value in table.items.items() if isinstance(value, Array)}

    def _function(self, node: ast.FunctionDef, given: Sequence[Kind]) -> Kind:
        self._depth.append(node.name)
        self._returned.append([])
        names = dict(zip((arg.arg for arg in node.args.args), given, strict=True))
        if not self._block(node.body, names):
            raise Fault(node, f"{node.name} must end with return")
        self._depth.pop()
        first, *others = self._returned.pop()
        for other in others:
            both = join(first, other)
            if both is None:
                raise Fault(node, f"{node.name} returns things of different kinds: return the same in every branch")
            first = both
        return first

    def _block(self, body: Sequence[ast.stmt], names: Names) -> bool:
        """Walk through statements; say whether all paths ended in a return."""
        for node in body:
            self._count(node)
            match node:
                case ast.Return():
                    if node.value is None:
                        raise Fault(node, "return needs a value")
                    self._returned[-1].append(self.value(node.value, names))
                    return True
                case ast.Assign():
                    self._assign(node.targets[0], self.value(node.value, names), names)
                case ast.If():
                    if self._branches(node, names):
                        return True
                case ast.For():
                    for item in self._rounds(node.iter, names):
                        self._assign(node.target, item, names)
                        self._block(node.body, names)
                case ast.Expr():
                    self._append(node.value, names)
        return False

    def _branches(self, node: ast.If, names: Names) -> bool:
        self._static(node.test, names, "if")
        sides = []
        for body in (node.body, node.orelse):
            inner = dict(names)
            if not self._block(body, inner):
                sides.append(inner)
        if not sides:
            return True
        names.clear()
        for name in set(sides[0]).intersection(*sides[1:]):
            both = join(sides[0][name], sides[-1][name])
            if both is not None:
                names[name] = both
        return False

    def _rounds(self, node: ast.expr, names: Names) -> list[Kind]:
        sequence = self.value(node, names)
        if isinstance(sequence, Array):
            raise Fault(node, "a loop over an array is unrolled: write it with array functions")
        if not isinstance(sequence, (Many, Group, Listing, Table)):
            raise Fault(node, f"a loop cannot go over this: {short(node)}; write range with a constant")
        if isinstance(sequence, Many) and sequence.length > AXES:
            raise Fault(node, "the number of rounds must be constant: write range with a constant")
        return items_of(sequence)

    def _assign(self, target: ast.expr, value: Kind, names: Names) -> None:
        if isinstance(target, ast.Name):
            names[target.id] = value
        elif isinstance(target, ast.Tuple):
            self._unpack(target, value, names)
        else:
            raise Fault(target, "nothing changes in place: write xp.where, or make a new array or dict")

    def _unpack(self, target: ast.Tuple, value: Kind, names: Names) -> None:
        parts = [value.item] * len(target.elts) if isinstance(value, Many) else items_of(value)
        if isinstance(value, Table) or len(parts) != len(target.elts):
            raise Fault(target, f"{short(target)} needs {len(target.elts)} values")
        for one, part in zip(target.elts, parts, strict=True):
            self._assign(one, part, names)

    def _append(self, node: ast.expr, names: Names) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            held = self.value(node.func.value, names)
            if isinstance(held, Listing) and len(node.args) == 1 and not node.keywords:
                item = self.value(node.args[0], names)
                if not isinstance(item, NUMBER):
                    raise Fault(node, "a list holds arrays and numbers only")
                held.items.append(item)
                return
        raise Fault(node, f"this line has no effect: {short(node)}; assign its value to a name")


def _target(node: ast.Assign) -> str:
    return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
