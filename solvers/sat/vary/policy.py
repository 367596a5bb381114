"""A policy's source as a syntax tree whose parts can be found, cut and replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError
from slotforge.solvers.sat.source import Parameter, params, text, tree, walk

if TYPE_CHECKING:
    from tree_sitter import Node

Edit = tuple[int, int, str]

NAMES = frozenset({"identifier", "type_identifier", "namespace_identifier", "field_identifier"})


@dataclass(frozen=True, kw_only=True)
class Param(Parameter):
    """A tunable number of a policy; integral when its value and its range are written as whole numbers."""

    integral: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Policy:
    """One policy struct with its syntax tree.

    SLOT_PARAM(name, value, low, high) stands in the tree as a field of type Param with an initializer list; offsets are
    those of the source. `body` is the block of the call operator.
    """

    source: str
    struct: Node
    call: Node
    body: Node

    @cached_property
    def name(self) -> str:
        """The name of the struct."""
        return text(field(self.struct, "name"))

    @cached_property
    def result(self) -> str:
        """The result type of the call operator."""
        return text(field(self.call, "type"))

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """The names of the call operator's arguments; empty text where one has no name."""
        return tuple(argument_name(node) for node in argument_nodes(self.call))

    @cached_property
    def members(self) -> Mapping[str, Node]:
        """Every name that the struct declares, but the call operator, with its declaration."""
        return {name: node for node in field(self.struct, "body").named_children for name in declared(node)}

    @cached_property
    def params(self) -> tuple[Param, ...]:
        """The tunable numbers, in order."""
        return tuple(Param(**vars(found), integral=self._is_integral(found.name)) for found in params(self.source))

    def _is_integral(self, param: str) -> bool:
        return all(is_integer(text(literal)) for literal in field(self.members[param], "default_value").named_children)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name in the source."""
        return frozenset(text(leaf) for leaf in leaves(self.struct) if leaf.type in NAMES)

    @cached_property
    def statements(self) -> tuple[Node, ...]:
        """The statements of the call operator's block."""
        return tuple(node for node in self.body.named_children if node.type != "comment")

    @cached_property
    def comment(self) -> str:
        """The comment above the struct as one line, without its slashes."""
        lines = self.source[: self.struct.start_byte].splitlines()
        return " ".join(line.strip().removeprefix("//").strip() for line in lines).strip()


def parse(source: str) -> Policy:
    """Read a policy; raises BuildError when it is not one struct with a call operator, or does not parse."""
    root = tree(source)
    structs = [node for node in root.named_children if node.type == "struct_specifier"]
    if root.has_error or not source.isascii() or len(structs) != 1:
        raise BuildError("not a policy: write exactly one struct with a call operator")
    calls = [node for node in field(structs[0], "body").named_children if _is_call(node)]
    if len(calls) != 1:
        raise BuildError("not a policy: the struct needs exactly one call operator")
    return Policy(source=source, struct=structs[0], call=calls[0], body=field(calls[0], "body"))


def edited(source: str, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> str:
    """Return source[start:end] with byte ranges replaced; the ranges do not overlap, and those outside are ignored."""
    end = len(source) if end is None else end
    for low, high, replacement in sorted(edits, reverse=True):
        if start <= low and high <= end:
            source = source[:low] + replacement + source[high:]
            end += len(replacement) - (high - low)
    return source[start:end]


def field(node: Node, name: str) -> Node:
    """Return a child by its field; raises BuildError when there is none, which is a source in an unknown form."""
    child = node.child_by_field_name(name)
    if child is None:
        raise BuildError(f"line {node.start_point.row + 1}: this {node.type} has no {name}")
    return child


def quoted(node: Node) -> str:
    """Quote a node on one line, or its beginning up to the first semicolon."""
    code = " ".join(text(node).partition(";")[0].split())
    return f"`{code}`" if len(code) <= 48 else f"`{code[:45]}...`"


def where(node: Node) -> str:
    """Say in words which expression an operand stands in; nothing for one that is no operand."""
    above = node.parent
    return f" in {quoted(above)}" if above is not None and above.type.endswith("_expression") else ""


def leaves(node: Node) -> Iterator[Node]:
    """Yield the tokens below a node in order."""
    return (child for child in walk(node) if child.child_count == 0)


def identifiers(nodes: Iterable[Node]) -> frozenset[str]:
    """Return the names that nodes use or declare, without names behind a dot."""
    return frozenset(
        text(leaf) for node in nodes for leaf in leaves(node) if leaf.type in NAMES and not _behind_dot(leaf)
    )


def declared(node: Node) -> tuple[str, ...]:
    """Return the names that a member or statement declares in its own scope."""
    found = [text(leaf) for child in node.children_by_field_name("declarator") for leaf in _declarator_names(child)]
    kind = node.child_by_field_name("type") or node
    if kind.type in ("enum_specifier", "struct_specifier") and kind.child_by_field_name("body"):
        found += [
            text(field(part, "name"))
            for part in walk(kind)
            if part.type in (kind.type, "enumerator") and part.child_by_field_name("name")
        ]
    if node.type == "alias_declaration":
        found.append(text(field(node, "name")))
    return tuple(found)


def locals_of(nodes: Iterable[Node]) -> frozenset[str]:
    """Return the names that are declared anywhere within statements."""
    return frozenset(
        name
        for top in nodes
        for node in walk(top)
        if node.type in ("declaration", "for_range_loop")
        for name in declared(node)
    )


def argument_nodes(call: Node) -> Sequence[Node]:
    """Return the declarations of a function's arguments."""
    parameters = field(field(call, "declarator"), "parameters")
    return [node for node in parameters.named_children if node.type == "parameter_declaration"]


def argument_name(argument: Node) -> str:
    """Return the name of an argument, or an empty text."""
    return next(
        (text(leaf) for child in argument.children_by_field_name("declarator") for leaf in _declarator_names(child)), ""
    )


def is_param(member: Node) -> bool:
    """Whether a member is a SLOT_PARAM."""
    kind = member.child_by_field_name("type")
    return member.type == "field_declaration" and kind is not None and text(kind).startswith("Param")


def number(literal: str) -> float | None:
    """Read a C++ number; None for one that is written in an unusual way."""
    plain = literal.replace("'", "").replace(" ", "").rstrip("uUlLfF")
    try:
        return float(plain)
    except ValueError:
        return None


def is_integer(literal: str) -> bool:
    """Whether a C++ number is written without a fraction."""
    return not any(mark in literal for mark in ".eE")


def fresh(name: str, taken: Iterable[str]) -> str:
    """Return a name like this one that is not taken: turn_, turn2_, turn3_ ..."""
    used = frozenset(taken)
    tail = "_" if name.endswith("_") else ""
    stem = name.rstrip("_").rstrip("0123456789") or name
    candidates = (f"{stem}{number}{tail}" for number in range(2, len(used) + 3))
    return name if name not in used else next(found for found in candidates if found not in used)


def _is_call(node: Node) -> bool:
    return node.type == "function_definition" and any(
        child.type == "operator_name" and text(child).replace(" ", "") == "operator()"
        for child in field(node, "declarator").children
    )


def _declarator_names(node: Node) -> Iterator[Node]:
    """Yield the name at the heart of a declarator."""
    if node.type in ("identifier", "field_identifier"):
        yield node
    inner = node.children_by_field_name("declarator") or [
        c for c in node.named_children if node.type == "reference_declarator"
    ]
    for child in inner:
        yield from _declarator_names(child)


def _behind_dot(leaf: Node) -> bool:
    return (
        leaf.type == "field_identifier"
        and leaf.parent is not None
        and leaf.parent.type in ("field_expression", "field_designator")
    )
