"""Replaces a symbol: a comparison, an arithmetic or logical operator, min by max, a field by one that measures the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.fields import ALIKE, VIEW, twins
from slotforge.solvers.sat.vary.kinds import COMPARISONS, Kinds, integer_divisor
from slotforge.solvers.sat.vary.policy import Policy, edited, field, text

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node

_OPERATORS = {
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "==": ("!=",),
    "!=": ("==",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "&&": ("||",),
    "||": ("&&",),
}
_FUNCTIONS = {"min": "max", "max": "min", "log2": "log10", "log10": "log2", "log": "sqrt", "sqrt": "log2", "floor": "ceil", "ceil": "floor"}


class _Swap(NamedTuple):
    node: Node
    new: str
    words: str


def vary(policy: Policy, _donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Replace one symbol; None when there is none to replace."""
    by_kind = [found for search in (_operators, _functions, _fields, _elements, _conditions) if (found := list(search(policy)))]
    if not by_kind:
        return None
    swap = choose(rng, choose(rng, by_kind))
    return Change(edited(policy.source, [(swap.node.start_byte, swap.node.end_byte, swap.new)]), swap.words)


def _operators(policy: Policy) -> Iterator[_Swap]:
    kinds = Kinds(policy)
    for node in kinds.expressions():
        if node.type != "binary_expression" or integer_divisor(node, kinds):
            continue
        operator = field(node, "operator")
        symbol = text(operator)
        if symbol == "*" and (kinds.kind(node) != "double" or kinds.kind(field(node, "right")) == "integer"):
            continue
        for new in _OPERATORS.get(symbol, ()):
            yield _Swap(operator, new, f"{new} for {symbol} in {_short(node)}")


def _functions(policy: Policy) -> Iterator[_Swap]:
    for node in Kinds(policy).expressions():
        if node.type != "call_expression":
            continue
        function = field(node, "function")
        if function.type == "qualified_identifier" and text(field(function, "scope")) == "std":
            name = field(function, "name")
            if name.type == "template_function":
                name = field(name, "name")
            if text(name) in _FUNCTIONS:
                yield _Swap(name, _FUNCTIONS[text(name)], f"{_FUNCTIONS[text(name)]} for {text(name)}")


def _fields(policy: Policy) -> Iterator[_Swap]:
    kinds = Kinds(policy)
    view = policy.arguments[0]
    for node in kinds.expressions():
        if node.type != "field_expression" or integer_divisor(node, kinds):
            continue
        base, _, path = text(node).partition(".")
        if view and base == view and path in VIEW:
            for twin in twins(path):
                yield _Swap(node, f"{view}.{twin}", f"{VIEW[twin].words} for {VIEW[path].words}")


def _elements(policy: Policy) -> Iterator[_Swap]:
    for node in Kinds(policy).expressions():
        if node.type == "initializer_list":
            continue
        if node.type == "field_expression" and not text(node).startswith(f"{policy.arguments[0]}."):
            name = field(node, "field")
            for new in (other for group in ALIKE if text(name) in group for other in group if other != text(name)):
                yield _Swap(name, new, f"{new} for {text(name)}")


def _conditions(policy: Policy) -> Iterator[_Swap]:
    kinds = Kinds(policy)
    for node in kinds.expressions():
        above = node.parent
        if kinds.kind(node) != "bool" or above is None or above.type not in ("condition_clause", "conditional_expression"):
            continue
        if node.type == "binary_expression" and text(field(node, "operator")) in COMPARISONS:
            continue
        plain = node.type in ("identifier", "call_expression", "parenthesized_expression", "field_expression")
        yield _Swap(node, f"!{text(node)}" if plain else f"!({text(node)})", f"unless {_short(node)}")


def _short(node: Node) -> str:
    """Quote an expression, or its beginning."""
    code = " ".join(text(node).split())
    return f"`{code}`" if len(code) <= 48 else f"`{code[:45]}...`"
