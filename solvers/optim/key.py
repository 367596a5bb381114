"""Names a rule by what it computes, whatever it is written like: equal for sources that must behave the same."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from typing import TypeAlias

from slotforge.core import syntax
from slotforge.solvers.optim.rule import Number, numbers
from slotforge.solvers.optim.words import QUESTIONS

ROUNDS = 8  # of telling keys of the state apart by how they are made
RESERVED = ("batch", "weights")  # keys of the state that the host reads
_JUMPING = """
    equal not_equal greater greater_equal less less_equal isfinite isnan isinf maximum minimum clip floor ceil round
    trunc remainder sign copysign
"""
JUMPING = frozenset(_JUMPING.split())
"""Functions that may tell one region of values, steps or shapes from another."""
COMMUTATIVE = (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)

Value: TypeAlias = "str | float | tuple[Value, ...] | dict[str, Value]"
"""A digest of an expression, a plain number, a tuple, or a dict."""
Names = dict[str, Value]


class _Unreadable(Exception):
    """The rule has a form that is not followed."""


def key(source: str) -> str:
    """Return a text that is equal for rules that differ in words, layout, names, order, or in code without effect.

    Locals and helpers are put in place, operands of + and * sorted, constants folded; of the state counts only what the
    answer depends on, and of the numbers only their ranges and where they stand.
    """
    tree = syntax.parse(source)
    try:
        return _Meaning(tree, numbers(source)).text()
    except (_Unreadable, RecursionError):
        return _digest("text", _plain(tree))


def thresholds(source: str) -> str:
    """Return the key of a rule that compares or rounds, and nothing for any other.

    Such a rule may do something else where no probe gets, after many steps or for large values, so that it takes more
    than what is seen of it to call it the same as another.
    """
    for node in ast.walk(syntax.parse(source)):
        match node:
            case ast.Compare() | ast.BinOp(op=ast.FloorDiv() | ast.Mod()):
                return key(source)
            case ast.Attribute(attr=name) if name in JUMPING:
                return key(source)
    return ""


def _plain(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.unparse(tree)


class _Meaning:
    """A rule, run on digests in place of arrays."""

    def __init__(self, tree: ast.Module, declared: dict[str, Number]) -> None:
        self._functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self._numbers = {name: _digest("number", repr(number)) for name, number in declared.items()}
        self._colours: dict[str, str] = {}
        self._marked = ""
        self._asked = 0
        self._constants: Names = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and not _is_hp(node):
                self._assign(node.targets[0], self._value(node.value, self._constants), self._constants)

    def text(self) -> str:
        """Digest what the answer depends on; a number counts by its range, and by what it would change."""
        whole = self._total("")
        places = [_digest(self._numbers[name], seen) for name in self._numbers if (seen := self._total(name)) != whole]
        return _digest(whole, *sorted(places))

    def _total(self, marked: str) -> str:
        """Run init and update on digests, until the keys of the state are told apart."""
        self._marked, self._colours = marked, {}
        start = self._function("init", ["xp", "p"])
        if not isinstance(start, dict):
            raise _Unreadable
        self._colours = dict.fromkeys(start, "")
        for _ in range(min(ROUNDS, len(start) + 1)):
            _, state = self._step()
            self._colours = {name: _digest("state", _told(start[name]), _told(state[name])) for name in start}
        self._asked = 0
        answer, state = self._step()
        controls = [_digest(name, _told(start[name]), _told(state[name])) for name in RESERVED if name in state]
        return _digest(_told(answer), *controls, str(self._asked))

    def _step(self) -> tuple[Value, dict[str, Value]]:
        state: dict[str, Value] = {name: _digest("state", colour) for name, colour in self._colours.items()}
        answer = self._function("update", ["xp", "g", state, "p", "hp", "t", "aux"])
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise _Unreadable
        if not isinstance(answer[1], dict) or answer[1].keys() != state.keys():
            raise _Unreadable
        return answer[0], answer[1]

    def _function(self, name: str, given: Sequence[Value]) -> Value:
        node = self._functions[name]
        if len(given) != len(node.args.args):
            raise _Unreadable
        names = dict(zip((arg.arg for arg in node.args.args), given, strict=True))
        return self._block(node.body, names)

    def _block(self, body: Sequence[ast.stmt], names: Names) -> Value:
        """Return what a function returns that goes on with these statements."""
        for place, node in enumerate(body):
            match node:
                case ast.Return(value=ast.expr() as value):
                    return self._value(value, names)
                case ast.Assign():
                    self._assign(node.targets[0], self._value(node.value, names), names)
                case ast.If():
                    test = _told(self._value(node.test, names))
                    rest = body[place + 1 :]
                    yes = self._block([*node.body, *rest], dict(names))
                    return _either(test, yes, self._block([*node.orelse, *rest], dict(names)))
                case ast.For():
                    for item in self._rounds(node.iter, names):
                        self._assign(node.target, item, names)
                        for inner in node.body:
                            if not isinstance(inner, ast.Assign):
                                raise _Unreadable
                            self._assign(inner.targets[0], self._value(inner.value, names), names)
                case ast.Expr(value=ast.Constant()):
                    continue
                case _:
                    raise _Unreadable
        raise _Unreadable

    def _rounds(self, node: ast.expr, names: Names) -> Sequence[Value]:
        match node:
            case ast.Call(func=ast.Name(id="range"), args=args):
                bounds = [self._value(arg, names) for arg in args]
                if all(isinstance(bound, int) for bound in bounds):
                    return list(range(*(bound for bound in bounds if isinstance(bound, int))))
        raise _Unreadable

    def _assign(self, target: ast.expr, value: Value, names: Names) -> None:
        match target:
            case ast.Name():
                names[target.id] = value
            case ast.Tuple():
                many = value if isinstance(value, tuple) else None
                for place, one in enumerate(target.elts):
                    self._assign(one, many[place] if many else _digest("part", _told(value), str(place)), names)
            case _:
                raise _Unreadable

    def _value(self, node: ast.expr, names: Names) -> Value:
        match node:
            case ast.Constant(value=bool() | None | str()):
                return _digest("constant", repr(node.value))
            case ast.Constant(value=int() | float() as value):
                return value
            case ast.Name():
                found = names.get(node.id, self._constants.get(node.id))
                if found is None:
                    raise _Unreadable
                return found
            case ast.Subscript(value=ast.Name() as base, slice=ast.Constant(value=str() as name)):
                return self._item(names.get(base.id, ""), name)
            case ast.BinOp():
                return self._operator(node, names)
            case ast.UnaryOp(op=ast.USub()):
                return _negative(self._value(node.operand, names))
            case ast.Tuple():
                return tuple(self._value(part, names) for part in node.elts)
            case ast.Dict():
                return self._dict(node, names)
            case ast.Call():
                return self._call(node, names)
            case ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
                raise _Unreadable
        parts = [self._field(part, names) for _, part in ast.iter_fields(node)]
        return _digest(type(node).__name__, *parts)

    def _field(self, part: object, names: Names) -> str:
        match part:
            case ast.expr():
                return _told(self._value(part, names))
            case list():
                return _digest("list", *(self._field(one, names) for one in part))
            case ast.keyword():
                return _digest("keyword", str(part.arg), _told(self._value(part.value, names)))
            case ast.AST():
                return type(part).__name__
        return repr(part)

    def _item(self, base: Value, name: str) -> Value:
        if isinstance(base, dict) and name in base:
            return base[name]
        if base == "hp":
            return "marked" if name == self._marked else self._numbers[name]
        raise _Unreadable

    def _dict(self, node: ast.Dict, names: Names) -> Value:
        table: dict[str, Value] = {}
        for name, part in zip(node.keys, node.values, strict=True):
            value = self._value(part, names)
            if name is None and isinstance(value, dict):
                table |= value
            elif isinstance(name, ast.Constant):
                table[str(name.value)] = value
            else:
                raise _Unreadable
        return table

    def _call(self, node: ast.Call, names: Names) -> Value:
        if isinstance(node.func, ast.Name) and node.func.id in self._functions and node.func.id not in names:
            return self._function(node.func.id, [self._value(arg, names) for arg in node.args])
        if isinstance(node.func, ast.Attribute) and node.func.attr in QUESTIONS:
            self._asked += 1
        if not isinstance(node.func, ast.Attribute) and "aux." not in ast.unparse(node.func):
            raise _Unreadable
        words = sorted(self._field(word, names) for word in node.keywords)
        return _digest("call", self._field(node.func, names), *(self._field(arg, names) for arg in node.args), *words)

    def _operator(self, node: ast.BinOp, names: Names) -> Value:
        left, right = self._value(node.left, names), self._value(node.right, names)
        operator: ast.operator = node.op
        if isinstance(operator, ast.Sub):
            operator, right = ast.Add(), _negative(right)
        if (folded := _folded(operator, left, right)) is not None:
            return folded
        sign = ""
        if isinstance(operator, (ast.Mult, ast.Div, ast.MatMult)):
            (left, first), (right, second) = _unsigned(left), _unsigned(right)
            sign = "-" if first != second else ""
        parts = [_told(left), _told(right)]
        if isinstance(operator, COMMUTATIVE):
            parts.sort()
        return sign + _digest(type(operator).__name__, *parts)


def _is_hp(node: ast.Assign) -> bool:
    return isinstance(node.targets[0], ast.Name) and node.targets[0].id == "HP"


def _either(test: str, yes: Value, no: Value) -> Value:
    if isinstance(yes, tuple) and isinstance(no, tuple) and len(yes) == len(no):
        return tuple(_either(test, one, other) for one, other in zip(yes, no, strict=True))
    if isinstance(yes, dict) and isinstance(no, dict):
        return {name: _either(test, yes.get(name, ""), no.get(name, "")) for name in sorted({*yes, *no})}
    return yes if yes == no else _digest("if", test, _told(yes), _told(no))


def _negative(value: Value) -> Value:
    if isinstance(value, str):
        return value[1:] if value.startswith("-") else f"-{value}"
    if isinstance(value, (tuple, dict)):
        raise _Unreadable
    return -value


def _unsigned(value: Value) -> tuple[Value, bool]:
    if isinstance(value, str):
        return value.removeprefix("-"), value.startswith("-")
    return (-value, True) if isinstance(value, (int, float)) and value < 0 else (value, False)


def _folded(operator: ast.operator, left: Value, right: Value) -> Value | None:
    """Fold two plain numbers, and what adds or multiplies nothing."""
    plain = isinstance(left, (int, float)), isinstance(right, (int, float))
    match operator:
        case ast.Add() if left == 0:
            return right
        case ast.Add() if right == 0:
            return left
        case ast.Mult() if left == 1:
            return right
        case ast.Mult() | ast.Div() | ast.Pow() if right == 1:
            return left
    if not all(plain) or not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        return None
    match operator:
        case ast.Add():
            return left + right
        case ast.Mult():
            return left * right
        case ast.Div() if right:
            return left / right
    return None


def _told(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return _digest("tuple", *map(_told, value))
    if isinstance(value, dict):
        return _digest("dict", *(f"{name}={_told(part)}" for name, part in sorted(value.items())))
    return repr(float(value))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
