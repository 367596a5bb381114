"""Replaces a symbol: a comparison, an operator, min by max, a field by one that measures the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from slotforge.solvers.sat.source import text, walk
from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.fields import ALIKE, PHASES, VIEW, twins
from slotforge.solvers.sat.vary.kinds import COMPARISONS, Kinds, integer_divisor
from slotforge.solvers.sat.vary.policy import Policy, edited, field, quoted

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
    "&&": ("||",),
    "||": ("&&",),
}
_FUNCTIONS = {
    "min": "max",
    "max": "min",
    "log2": "log10",
    "log10": "log2",
    "log": "sqrt",
    "sqrt": "log2",
    "floor": "ceil",
    "ceil": "floor",
}


class _Swap(NamedTuple):
    node: Node
    new: str
    words: str


def vary(policy: Policy, _donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Replace one symbol; None when there is none to replace."""
    swaps = [
        swap
        for search in (_operators, _functions, _fields, _elements, _sources, _conditions)
        for swap in search(policy)
    ]
    if not swaps:
        return None
    swap = choose(rng, swaps)
    return Change(edited(policy.source, [(swap.node.start_byte, swap.node.end_byte, swap.new)]), swap.words)


def _operators(policy: Policy) -> Iterator[_Swap]:
    kinds = Kinds(policy)
    for node in kinds.expressions():
        if node.type != "binary_expression" or integer_divisor(node, kinds):
            continue
        operator = field(node, "operator")
        symbol = text(operator)
        for new in _OPERATORS.get(symbol, ()):
            yield _Swap(operator, new, f"{new} for {symbol} in {quoted(node)}")


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
        if node.type == "field_expression" and not text(node).startswith(f"{policy.arguments[0]}."):
            name = field(node, "field")
            for new in (other for group in ALIKE if text(name) in group for other in group if other != text(name)):
                yield _Swap(name, new, f"{new} for {text(name)}")


def _sources(policy: Policy) -> Iterator[_Swap]:
    """Replace the source of phases in {.best = 1}, or add a second one."""
    for pairs in (node for node in walk(policy.call) if node.type == "initializer_list"):
        named = [node for node in pairs.named_children if node.type == "initializer_pair"]
        if len(named) != 1 or len(pairs.named_children) != 1:
            continue
        old = text(field(named[0], "designator")).strip(".")
        for new in (source for source in PHASES if source != old):
            yield _Swap(pairs, f"{{.{new} = 1}}", f"{new} for {old}")
            both = sorted((old, new), key=PHASES.index)
            share = {old: text(field(named[0], "value")), new: "0.25"}
            yield _Swap(
                pairs,
                "{" + ", ".join(f".{source} = {share[source]}" for source in both) + "}",
                f"{old} with some {new}",
            )


def _conditions(policy: Policy) -> Iterator[_Swap]:
    kinds = Kinds(policy)
    for node in kinds.expressions():
        above = node.parent
        if (
            kinds.kind(node) != "bool"
            or above is None
            or above.type not in ("condition_clause", "conditional_expression")
        ):
            continue
        if node.type == "binary_expression" and text(field(node, "operator")) in COMPARISONS:
            continue
        plain = node.type in ("identifier", "call_expression", "parenthesized_expression", "field_expression")
        yield _Swap(node, f"!{text(node)}" if plain else f"!({text(node)})", f"unless {quoted(node)}")
