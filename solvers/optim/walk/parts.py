"""Judges names and what hangs on them: attributes and parts."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod

from slotforge.solvers.optim import words
from slotforge.solvers.optim.walk.faults import Fault, short
from slotforge.solvers.optim.walk.kinds import (
    AXES,
    LENGTH,
    Array,
    Group,
    Int,
    Kind,
    Listing,
    Many,
    Nothing,
    Question,
    Real,
    Space,
    Table,
    Text,
    Truth,
    Type,
    items_of,
    many,
    product,
)
from slotforge.solvers.optim.walk.whole import whole

STEPS = 60_000  # nodes that are walked through
OPERATIONS = 3000  # on arrays in one step of a rule

Names = dict[str, Kind]


class Parts(ABC):
    """What is known on a walk, and how names, attributes and subscripts are judged.

    kinds: what each expression of the functions was, by `id` of its node.
    """

    kinds: dict[int, Kind]
    _functions: dict[str, ast.FunctionDef]
    _constants: Names
    _numbers: frozenset[str]
    _state: Kind
    _steps: int = 0
    _operations: int = 0

    @abstractmethod
    def value(self, node: ast.expr, names: Names) -> Kind:
        """Return what an expression is; raise Fault where it may not stand."""

    def _count(self, node: ast.AST) -> None:
        self._steps += 1
        if self._steps > STEPS or self._operations > OPERATIONS:
            raise Fault(node, "the rule is too long when its loops are unrolled: fewer rounds, fewer operations")

    def _constant(self, node: ast.Constant, _: Names) -> Kind:
        match node.value:
            case bool():
                return Truth()
            case None:
                return Nothing()
            case int():
                return whole(node, node.value)
            case float():
                return Real()
            case str():
                return Text(node.value)
        return Nothing()

    def _name(self, node: ast.Name, names: Names) -> Kind:
        if (found := names.get(node.id) or self._constants.get(node.id)) is not None:
            return found
        if node.id in self._functions or node.id in ("len", "range"):
            raise Fault(node, f"{node.id} may only be called")
        hint = words.BUILTINS.get(node.id, f"the name '{node.id}' is not known here: assign it first, in every branch")
        raise Fault(node, hint)

    def _attribute(self, node: ast.Attribute, names: Names) -> Kind:
        base = self.value(node.value, names)
        match base:
            case Array():
                return self._of_array(node, base)
            case Space("aux") if node.attr in words.FACTS:
                scalar = node.attr in words.SCALARS
                return Int(LENGTH) if node.attr == "rank" else Array(scalar=scalar)
            case Space("aux") if node.attr in words.QUESTIONS:
                return Question(node.attr)
            case Space("aux"):
                raise Fault(node, f"aux has no '{node.attr}': {', '.join((*words.FACTS, *words.QUESTIONS))}")
            case Space("xp") if node.attr == "linalg":
                return Space("linalg")
            case Space("xp" | "linalg"):
                table = words.FUNCTIONS if base.name == "xp" else words.LINALG
                if node.attr in table:
                    raise Fault(node, f"{short(node)} may only be called")
                raise Fault(node, absent(node, f"{short(node)} is not among the functions that a rule may use"))
        raise Fault(node, f"'.{node.attr}' is not allowed here: only .shape, .ndim, .mT and .dtype of arrays")

    def _of_array(self, node: ast.Attribute, base: Array) -> Kind:
        match node.attr:
            case "shape":
                return Many(Int(LENGTH), AXES, base.size)
            case "ndim":
                return Int(AXES)
            case "dtype":
                return Type()
            case "mT":
                return base
        raise Fault(node, absent(node, f"'.{node.attr}' of an array is not allowed: only .shape, .ndim, .mT, .dtype"))

    def _subscript(self, node: ast.Subscript, names: Names) -> Kind:
        base = self.value(node.value, names)
        match base:
            case Array():
                return self._part(node, base, names)
            case Space("hp") | Table():
                return self._item(node, base, names)
            case Many() | Group() | Listing():
                return self._place(node, base, names)
        raise Fault(node, f"this has no parts: {short(node)}")

    def _item(self, node: ast.Subscript, base: Space | Table, names: Names) -> Kind:
        key = self.value(node.slice, names)
        if not isinstance(key, Text):
            raise Fault(node, f"{short(node)} needs a key in quotes")
        if isinstance(base, Table):
            if key.value in base.items:
                return base.items[key.value]
            hint = ", which init must make" if base is self._state else ""
            raise Fault(node, f"there is no key '{key.value}'{hint}")
        if key.value not in self._numbers:
            raise Fault(node, f"HP does not declare '{key.value}': add \"{key.value}\": (default, low, high, scale)")
        return Array(scalar=True)

    def _place(self, node: ast.Subscript, base: Many | Group | Listing, names: Names) -> Kind:
        if isinstance(node.slice, ast.Slice):
            self._bounds(node.slice, names)
            inner = many(items_of(base), product(base))
            if inner is None:
                raise Fault(node, f"parts of mixed kinds: {short(node)}; name them one by one")
            return inner
        place = self.value(node.slice, names)
        if not isinstance(place, Int):
            raise Fault(node, f"the place must be a whole number: {short(node)}")
        if isinstance(base, Many):
            return base.item
        if place.exact is None or not -len(base.items) <= place.exact < len(base.items):
            raise Fault(node, f"there is no such place: {short(node)}")
        return base.items[place.exact]

    def _part(self, node: ast.Subscript, base: Array, names: Names) -> Kind:
        for index in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            if isinstance(index, ast.Slice):
                self._bounds(index, names)
                continue
            kind = self.value(index, names)
            if isinstance(kind, Array) and kind.mask:
                raise Fault(node, f"a mask as index has no fixed shape: write xp.where(mask, x, 0 * x): {short(node)}")
            if isinstance(kind, Array):
                raise Fault(node, f"an array as index: write xp.take(x, index, axis=0): {short(node)}")
            if not isinstance(kind, (Int, Nothing)):
                raise Fault(node, f"not an index: {short(index)}")
        return Array(False, base.mask, base.index, base.size)

    def _bounds(self, node: ast.Slice, names: Names) -> None:
        for bound in (node.lower, node.upper, node.step):
            if bound is not None and not isinstance(self.value(bound, names), (Int, Nothing)):
                raise Fault(node, f"the bounds of a slice must hang on shapes alone: {short(bound)}")


def absent(node: ast.Attribute, otherwise: str) -> str:
    """Say what to write in place of a name that is not there."""
    return words.ABSENT.get(node.attr, otherwise)
