"""What can be read from a policy's source, and rewritten in it, by its syntax tree."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

NAME = "Policy"
"""What a policy's struct is called in its normalised source."""

_PARAM = re.compile(rb"\bSLOT_PARAM\(\s*\w+\s*(,)[^(){};]*(\))\s*;")
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECLARING = frozenset({
    "declaration", "enumerator", "field_declaration", "for_range_loop", "function_definition", "init_declarator",
    "optional_parameter_declaration", "parameter_declaration",
})  # fmt: skip
_NAMES = frozenset({"identifier", "field_identifier"})


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A tunable number of a policy.

    span: where its default stands in the source, in bytes.
    """

    name: str
    value: float
    low: float
    high: float
    span: tuple[int, int]


@lru_cache
def _parser() -> Parser:
    import tree_sitter_cpp
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_cpp.language()))


def masked(source: bytes) -> bytes:
    """Write every SLOT_PARAM(name, value, low, high) as a member `Param name{value, low, high}` of the same length."""

    def member(match: re.Match[bytes]) -> bytes:
        text = bytearray(match[0])
        start = match.start()
        text[match.start(1) - start] = ord("{")
        text[match.start(2) - start] = ord("}")
        return bytes(text).replace(b"SLOT_PARAM(", b"Param      ", 1)

    return _PARAM.sub(member, source)


@lru_cache(maxsize=256)
def tree(source: str) -> Node:
    """Parse C++ with SLOT_PARAM masked; positions are those of the source in UTF-8."""
    return _parser().parse(masked(source.encode())).root_node


def walk(node: Node) -> Iterator[Node]:
    """Every node of a tree, parents first, in the order of the text."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def text(node: Node | None) -> str:
    """The text of a node, with SLOT_PARAM masked; empty for None."""
    return "" if node is None or node.text is None else node.text.decode()


def struct(source: str) -> Node:
    """The one struct of a policy's source.

    Raises:
        BuildError: there is none, or more than one.
    """
    found = [node for node in tree(source).named_children if node.type == "struct_specifier"]
    if len(found) != 1 or found[0].child_by_field_name("name") is None:
        raise BuildError(f"a policy is exactly one struct with a name; the source has {len(found)}")
    return found[0]


def struct_name(source: str) -> str:
    """The name of a policy's struct; raises BuildError when the source is not one struct."""
    return text(struct(source).child_by_field_name("name"))


def params(source: str) -> tuple[Parameter, ...]:
    """The tunable numbers of a policy, in the order of the source.

    Raises:
        BuildError: not one struct, or a SLOT_PARAM is not a name and three numbers with low <= value <= high.
    """
    found = []
    for node in struct(source).child_by_field_name("body").named_children:  # type: ignore[union-attr]
        if node.type == "field_declaration" and text(node.child_by_field_name("type")) == "Param":
            found.append(_parameter(node))
    return tuple(found)


def _parameter(node: Node) -> Parameter:
    name = text(node.child_by_field_name("declarator"))
    values = node.child_by_field_name("default_value")
    numbers = values.named_children if values is not None else []
    line = node.start_point[0] + 1
    try:
        value, low, high = (float(text(number).replace(" ", "").rstrip("uUlLfF")) for number in numbers)
    except ValueError:
        raise BuildError(f"line {line}: SLOT_PARAM takes a name and three numbers: default, low, high") from None
    if not (math.isfinite(low) and math.isfinite(high) and low <= value <= high):
        raise BuildError(f"line {line}: SLOT_PARAM {name}: the default {value:g} is not within [{low:g}, {high:g}]")
    return Parameter(name=name, value=value, low=low, high=high, span=(numbers[0].start_byte, numbers[0].end_byte))


def with_params(source: str, values: Mapping[str, float]) -> str:
    """Write new defaults into a policy's SLOT_PARAMs, clamped to their ranges; everything else stays as it is.

    Args:
        source: of the policy.
        values: of some of its parameters, by name.

    Raises:
        BuildError: the policy has no such parameter.
    """
    known = {param.name: param for param in params(source)}
    if unknown := sorted(values.keys() - known.keys()):
        raise BuildError(f"the policy has no parameter {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    data = source.encode()
    for name in sorted(values, key=lambda name: known[name].span, reverse=True):
        param = known[name]
        start, end = param.span
        data = data[:start] + number(min(max(values[name], param.low), param.high)).encode() + data[end:]
    return data.decode()


def number(value: float) -> str:
    """Write a number as a C++ literal that reads back as the same double."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


@lru_cache(maxsize=4096)
def abstracted(source: str) -> str:
    """The source with every SLOT_PARAM at its lower bound: what is compiled; values are set when it is loaded.

    Two policies that differ only in tunable numbers have the same, and share one shared object.
    """
    return with_params(source, {param.name: param.low for param in params(source)})


@lru_cache(maxsize=4096)
def normalised(source: str) -> str:
    """A policy without comments, layout, the name of its struct and the defaults of its SLOT_PARAMs."""
    named = struct_name(source)
    return " ".join(NAME if token == named else token for token in map(text, _tokens(abstracted(source))))


@lru_cache(maxsize=4096)
def duplicate_key(source: str) -> str:
    """A text that is equal for policies that must behave the same: as `normalised`, with the defaults that it has.

    Numbers are written in one way, and members, arguments and locals are numbered in the order in which they appear.
    """
    named = struct_name(source)
    for_good = {text(node) for node in walk(tree(source)) if _is_selected(node)}
    names = {named: NAME}
    for name in declared(tree(source)):
        if name not in for_good:
            names.setdefault(name, f"v{len(names)}")
    return " ".join(_canonical(node, names) for node in _tokens(source))


def declared(root: Node) -> Iterator[str]:
    """The names that a piece of source declares: members, functions, arguments, locals and enumerators, in order."""
    for node in walk(root):
        if node.type not in _DECLARING:
            continue
        for declarator in node.children_by_field_name("name" if node.type == "enumerator" else "declarator"):
            yield from _declared_by(declarator)


def _declared_by(declarator: Node) -> Iterator[str]:
    pending = [declarator]
    while pending:
        node = pending.pop()
        if node.type in _NAMES:
            yield text(node)
        elif node.type == "structured_binding_declarator":
            pending.extend(reversed(node.named_children))
        elif inner := node.child_by_field_name("declarator"):
            pending.append(inner)
        elif node.type == "reference_declarator":
            pending.extend(node.named_children[-1:])


def _is_selected(node: Node) -> bool:
    parent = node.parent
    return node.type == "field_identifier" and parent is not None and parent.type in ("field_expression",
                                                                                      "field_designator")  # fmt: skip


def _tokens(source: str) -> Iterator[Node]:
    return (node for node in walk(tree(source)) if not node.children and node.type != "comment" and node.text)


def _canonical(node: Node, names: Mapping[str, str]) -> str:
    token = text(node)
    if node.type == "number_literal" and _NUMBER.fullmatch(token):
        is_param = node.parent is not None and node.parent.type == "initializer_list"
        return repr(float(token)) if is_param or not token.isdigit() else token
    return names.get(token, token)
