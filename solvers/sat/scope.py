"""What a policy may name: its own types, functions and values, and what its slot offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError
from slotforge.solvers.sat.slot import arguments, slots
from slotforge.solvers.sat.source import declared, text, tree, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_VIEW = Path(__file__).parent / "engine" / "include" / "slotforge" / "view.hpp"
_TYPES = ("struct_specifier", "enum_specifier", "alias_declaration")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A policy's tree with the names that it may use."""

    slot: str
    root: Node

    @cached_property
    def struct(self) -> Node:
        return next(node for node in self.root.children if node.type == "struct_specifier")

    @cached_property
    def members(self) -> list[Node]:
        body = self.struct.child_by_field_name("body")
        return body.named_children if body is not None else []

    @cached_property
    def own_types(self) -> frozenset[str]:
        return frozenset(self._named(*_TYPES))

    @cached_property
    def scopes(self) -> frozenset[str]:
        """Own types that may stand before `::`; what an alias names may have members that are not the policy's own."""
        return self.own_types - frozenset(self._named("alias_declaration"))

    @cached_property
    def own_names(self) -> frozenset[str]:
        return frozenset(declared(self.root))

    @cached_property
    def params(self) -> frozenset[str]:
        return frozenset(named(node) for node in self.members if is_param(node))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node of the struct, in the order of the text."""
        return tuple(walk(self.struct))

    @cached_property
    def functions(self) -> frozenset[str]:
        """Member functions, those of inner structs too."""
        return frozenset(named(node) for node in self.nodes if node.type == "function_definition")

    @cached_property
    def lambdas(self) -> frozenset[str]:
        return frozenset(named(node) for node in self.nodes if _is_lambda(node))

    @cached_property
    def spans(self) -> frozenset[str]:
        """Arguments that are spans: they refer to arrays of others."""
        taken = (node for node in self.nodes if node.type == "parameter_declaration")
        return frozenset(named(node) for node in taken if is_span(node.child_by_field_name("type"))) - {""}

    def _named(self, *kinds: str) -> Iterator[str]:
        return (text(node.child_by_field_name("name")) for node in walk(self.root) if node.type in kinds)


@dataclass(frozen=True, kw_only=True)
class Api:
    """What a policy of one slot may use of the engine.

    types, constants: of the slot's header. fields, methods: of View and of the slot's argument structs. shape: of the
    call.
    """

    types: frozenset[str]
    constants: frozenset[str]
    fields: frozenset[str]
    methods: frozenset[str]
    shape: tuple[str, ...]


@cache
def api(slot: str) -> Api:
    """Read what a slot offers from its header and from the engine's View.

    Raises:
        BuildError: there is no such slot.
    """
    if slot not in slots():
        raise BuildError(f"there is no slot {slot!r}; choose one of {', '.join(slots())}")
    *structs, signature = arguments(slot)
    roots = [tree(_VIEW.read_text(encoding="utf-8")), *structs]
    called = signature.child_by_field_name("type")
    assert called is not None
    methods = (node for root in roots for node in walk(root) if node.type == "function_definition")
    return Api(
        types=frozenset(text(n.child_by_field_name("name")) for n in structs if n.type == "struct_specifier"),
        constants=frozenset(name for n in structs if n.type == "declaration" for name in declared(n)),
        fields=frozenset(name for root in roots for name in declared(root)),
        methods=frozenset(map(named, methods)),
        shape=shape(called),
    )


def shape(function: Node) -> tuple[str, ...]:
    """The types of a function's result and arguments, without names and `std::`."""
    declarator = function.child_by_field_name("declarator")
    listed = declarator.child_by_field_name("parameters") if declarator is not None else None
    taken = listed.named_children if listed is not None else []
    return (_plain(function.child_by_field_name("type")), *(_plain(node) for node in taken if node.type != "comment"))


def _plain(node: Node | None) -> str:
    leaves = [leaf for leaf in walk(node) if not leaf.children and leaf.type != "comment"] if node is not None else []
    return " ".join(text(leaf) for leaf in leaves if leaf.type not in ("identifier", "::") and text(leaf) != "std")


def is_param(node: Node) -> bool:
    """Whether a member is a SLOT_PARAM."""
    if node.type != "field_declaration" or text(node.child_by_field_name("type")) != "Param":
        return False
    return text(node).startswith("Param      ")  # SLOT_PARAM( as it is masked


def is_span(kind: Node | None) -> bool:
    """Whether a type is std::span<...>."""
    inner = kind.child_by_field_name("name") if kind is not None and kind.type == "qualified_identifier" else None
    return inner is not None and inner.type == "template_type" and text(inner.child_by_field_name("name")) == "span"


def named(node: Node) -> str:
    """The one name that a function, argument or variable declares; empty for none."""
    inner: Node | None = node
    while inner is not None and (inner == node or "declarator" in inner.type):
        last = inner.named_children[-1] if inner.type == "reference_declarator" else None
        inner = inner.child_by_field_name("declarator") or last
    return text(inner)


def _is_lambda(node: Node) -> bool:
    value = node.child_by_field_name("value") if node.type == "init_declarator" else None
    return value is not None and value.type == "lambda_expression"
