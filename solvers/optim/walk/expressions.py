"""Judges expressions: operators, choices, tuples, lists and dicts."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from slotforge.solvers.optim.walk import entries
from slotforge.solvers.optim.walk.calls import Calls
from slotforge.solvers.optim.walk.faults import Fault, short
from slotforge.solvers.optim.walk.kinds import (
    AXES,
    NUMBER,
    STATIC,
    Array,
    Group,
    Int,
    Kind,
    Listing,
    Many,
    Nothing,
    Real,
    Table,
    Text,
    Truth,
    items_of,
    join,
    many,
    product,
)
from slotforge.solvers.optim.walk.parts import Names
from slotforge.solvers.optim.walk.whole import LOOP, NESTED, arithmetic, nested

FEW = 2 * AXES  # more than there can be axes; what may be larger is a size
SMALL = 4  # that sizes may be compared with: numbers of axes, and two or three of a kind

EVERY_SIZE = (
    "a rule is for problems of every size: compare sizes, as they are or times a small number, with one another, or "
    f"with 0 to {SMALL}"
)


def _is_size(kind: Kind) -> bool:
    """Whether it hangs on the shape of a problem."""
    return isinstance(kind, Many) or (isinstance(kind, Int) and kind.exact is None)


def _is_mixed(kind: Kind) -> bool:
    """Whether it is made of a size and of a number that the rule names."""
    if isinstance(kind, Group):
        return any(map(_is_mixed, kind.items))
    if isinstance(kind, Many):
        return _is_mixed(kind.item)
    return isinstance(kind, (Int, Real)) and kind.mixed


def _mixes(node: ast.BinOp, left: Kind, right: Kind) -> bool:
    """Whether what is calculated of both is mixed: sums of sizes are not, nor a size times a small number.

    Quotients of sizes are, for one that is 1 makes any number. How many axes there are is no size.
    """
    if _is_mixed(left) or _is_mixed(right):
        return True
    sizes = [kind for kind in (left, right) if isinstance(kind, Int) and kind.exact is None and kind.bound > FEW]
    others = [kind for kind in (left, right) if kind not in sizes]
    if not sizes:
        return False
    if not isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
        return True
    scaled = isinstance(node.op, ast.Mult) and not any(map(_names_a_size, others))
    return bool(others) and not scaled


def _names_a_size(kind: Kind) -> bool:
    """Whether it says a size of its own."""
    if isinstance(kind, Group):
        return any(map(_names_a_size, kind.items))
    return isinstance(kind, Real) or (isinstance(kind, Int) and kind.exact is not None and abs(kind.exact) > SMALL)


class Expressions(Calls):
    """How expressions are judged."""

    @abstractmethod
    def _rounds(self, node: ast.expr, names: Names) -> list[Kind]:
        """See the class that judges whole rules."""

    @abstractmethod
    def _assign(self, target: ast.expr, value: Kind, names: Names) -> None:
        """See the class that judges whole rules."""

    def value(self, node: ast.expr, names: Names) -> Kind:
        """Return what an expression is; raise Fault where it may not stand."""
        self._count(node)
        kind: Kind = _EXPRESSIONS[type(node)](self, node, names)
        known = self.kinds.get(id(node))
        self.kinds[id(node)] = kind if known is None else join(known, kind) or kind
        return kind

    def _operator(self, node: ast.BinOp, names: Names) -> Kind:
        left, right = self.value(node.left, names), self.value(node.right, names)
        if not isinstance(left, NUMBER) or not isinstance(right, NUMBER):
            raise Fault(node, f"arithmetic is for arrays and numbers only: {short(node)}")
        if isinstance(left, Array) or isinstance(right, Array):
            return self._array_operator(node, left, right)
        if isinstance(node.op, (ast.MatMult, ast.BitAnd, ast.BitOr, ast.BitXor)):
            raise Fault(node, f"this operator is for arrays: {short(node)}")
        if isinstance(left, Int) and isinstance(right, Int):
            return replace(arithmetic(node, left, right), mixed=_mixes(node, left, right))
        return Real(_mixes(node, left, right))

    def _array_operator(self, node: ast.BinOp, left: Kind, right: Kind) -> Kind:
        self._operations += 1
        arrays = [kind for kind in (left, right) if isinstance(kind, Array)]
        size = max(kind.size for kind in arrays)
        if isinstance(node.op, (ast.BitAnd, ast.BitOr, ast.BitXor)):
            if len(arrays) < 2 or not all(kind.mask for kind in arrays):
                raise Fault(node, f"&, | and ^ are for comparisons in brackets: {short(node)}")
            return Array(all(kind.scalar for kind in arrays), mask=True, size=size)
        if isinstance(node.op, ast.MatMult):
            if len(arrays) < 2:
                raise Fault(node, f"@ is for two arrays: {short(node)}")
            entries.only_numbers(node, arrays)
            return Array(size=size)
        return entries.of_operator(node, left, right, Array(all(kind.scalar for kind in arrays), size=size))

    def _unary(self, node: ast.UnaryOp, names: Names) -> Kind:
        kind = self.value(node.operand, names)
        if isinstance(node.op, ast.Not):
            self._static(node.operand, names, "not")
            return Truth()
        if isinstance(node.op, ast.Invert):
            if not isinstance(kind, Array) or not kind.mask:
                raise Fault(node, "~ is for comparisons of arrays")
            return kind
        if not isinstance(kind, NUMBER):
            raise Fault(node, f"arithmetic is for arrays and numbers only: {short(node)}")
        if isinstance(kind, Array) and kind.mask:
            entries.only_numbers(node, [kind])
        if isinstance(kind, Int) and isinstance(node.op, ast.USub):
            return replace(kind, exact=None if kind.exact is None else -kind.exact)
        return kind

    def _compare(self, node: ast.Compare, names: Names) -> Kind:
        kinds = [self.value(part, names) for part in (node.left, *node.comparators)]
        arrays = [kind for kind in kinds if isinstance(kind, Array)]
        if arrays and len(kinds) > 2:
            raise Fault(node, "a chain of comparisons branches on arrays: write (a < b) & (b < c)")
        if arrays:
            self._operations += 1
            return Array(all(kind.scalar for kind in arrays), mask=True, size=max(kind.size for kind in arrays))
        if any(not isinstance(kind, (Int, Real, Many, Group)) for kind in kinds):
            raise Fault(node, f"only numbers, shapes and arrays are compared: {short(node)}")
        if any(map(_is_mixed, kinds)) or (any(map(_is_size, kinds)) and any(map(_names_a_size, kinds))):
            raise Fault(node, EVERY_SIZE)
        return Truth()

    def _choice(self, node: ast.IfExp, names: Names) -> Kind:
        self._static(node.test, names, "if")
        both = join(self.value(node.body, names), self.value(node.orelse, names))
        if both is None:
            raise Fault(node, f"both sides must be of one kind: {short(node)}")
        return both

    def _logic(self, node: ast.BoolOp, names: Names) -> Kind:
        word = "and" if isinstance(node.op, ast.And) else "or"
        first, *others = [self._static(part, names, word) for part in node.values]
        for other in others:
            first = join(first, other) or Truth()
        return first

    def _static(self, node: ast.expr, names: Names, word: str) -> Kind:
        kind = self.value(node, names)
        if isinstance(kind, Array):
            instead = {"and": "& between comparisons", "or": "| between comparisons", "not": "~"}.get(word, "xp.where")
            raise Fault(node, f"'{word}' branches on an array: write {instead}: {short(node)}")
        if _is_mixed(kind):
            raise Fault(node, EVERY_SIZE)
        if not isinstance(kind, STATIC):
            raise Fault(node, f"'{word}' needs a comparison of shapes: {short(node)}")
        return kind

    def _tuple(self, node: ast.Tuple | ast.List, names: Names) -> Kind:
        parts: list[Kind] = []
        loose, size = False, 1.0
        for part in node.elts:
            kind = self.value(part.value if isinstance(part, ast.Starred) else part, names)
            if isinstance(part, ast.Starred):
                if not isinstance(kind, (Many, Group, Listing)):
                    raise Fault(part, f"* needs a shape: {short(part)}")
                loose = loose or isinstance(kind, Many)
                parts += items_of(kind)[:1] if isinstance(kind, Many) else items_of(kind)
            else:
                parts.append(kind)
            size *= product(kind)
        if len(parts) > LOOP or nested(parts) > NESTED:
            raise Fault(node, "tuples and lists must be short and flat")
        if loose:
            mixed = many(parts, size)
            if mixed is None:
                raise Fault(node, f"a shape holds whole numbers: {short(node)}")
            return mixed
        if isinstance(node, ast.Tuple):
            return Group(tuple(parts))
        if not all(isinstance(part, NUMBER) for part in parts):
            raise Fault(node, "a list holds arrays and numbers only")
        return Listing(parts)

    def _dict(self, node: ast.Dict, names: Names) -> Kind:
        table = Table()
        for key, value in zip(node.keys, node.values, strict=True):
            kind = self.value(value, names)
            if key is None:
                if not isinstance(kind, Table):
                    raise Fault(node, "** needs a dict")
                table.items.update(kind.items)
                continue
            name = self.value(key, names)
            if not isinstance(name, Text) or not isinstance(kind, NUMBER):
                raise Fault(node, "a dict holds arrays, by keys in quotes")
            if isinstance(key, ast.Constant) and name.value in table.items and None not in node.keys:
                raise Fault(node, f"the key '{name.value}' stands twice")
            table.items[name.value] = kind
        return table

    def _comprehension(self, node: Any, names: Names) -> Kind:
        (loop,) = node.generators
        if loop.ifs:
            raise Fault(node, "if in a comprehension is not allowed: write xp.where")
        inner, items, table = dict(names), [], Table()
        sequence = self.value(loop.iter, names)
        for item in self._rounds(loop.iter, names):
            self._assign(loop.target, item, inner)
            if not isinstance(node, ast.DictComp):
                items.append(self.value(node.elt, inner))
                continue
            key = self.value(node.key, inner)
            if not isinstance(key, Text):
                raise Fault(node, "a dict holds arrays, by keys in quotes")
            table.items[key.value] = self.value(node.value, inner)
        if isinstance(node, ast.DictComp):
            return table
        if not all(isinstance(item, NUMBER) for item in items):
            raise Fault(node, "a list holds arrays and numbers only")
        if isinstance(sequence, Many):
            return many(items, 1.0) or Nothing()
        return Listing(items) if isinstance(node, ast.ListComp) else Group(tuple(items))

    def _stray(self, node: ast.expr, _: Names) -> Kind:
        raise Fault(node, f"this may not stand here: {short(node)}")


_EXPRESSIONS: Mapping[type[ast.expr], Callable[[Expressions, Any, Names], Kind]] = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Subscript: Expressions._subscript,
    ast.Call: Expressions._call,
    ast.BinOp: Expressions._operator,
    ast.UnaryOp: Expressions._unary,
    ast.Compare: Expressions._compare,
    ast.IfExp: Expressions._choice,
    ast.BoolOp: Expressions._logic,
    ast.Tuple: Expressions._tuple,
    ast.List: Expressions._tuple,
    ast.Dict: Expressions._dict,
    ast.ListComp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
    ast.GeneratorExp: Expressions._comprehension,
    ast.Starred: Expressions._stray,
    ast.Slice: Expressions._stray,
}
