"""What kind of number an expression of a policy is: as much of C++'s typing as varying it needs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text, walk
from slotforge.solvers.sat.vary.fields import ELEMENTS, VIEW
from slotforge.solvers.sat.vary.policy import Policy, argument_name, declared, field

if TYPE_CHECKING:
    from tree_sitter import Node

COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
_CONSTANTS: dict[str, str | None] = {"infinity": "double", "INFINITY": "double"}
_LOGIC = frozenset({"&&", "||"})
_MATHS = frozenset({"sqrt", "log", "log2", "log10", "exp", "pow", "floor", "ceil", "uniform"})
_SAME = frozenset({"min", "max", "clamp", "abs"})

# Where a change would loop for ever, reach beyond an array or not compile: (type of the parent, field).
_BARRED = frozenset(
    {
        ("for_statement", "initializer"),
        ("for_statement", "condition"),
        ("for_statement", "update"),
        ("for_range_loop", "declarator"),
        ("while_statement", "condition"),
        ("do_statement", "condition"),
        ("subscript_expression", "indices"),
        ("case_statement", "value"),
        ("assignment_expression", "left"),
        ("update_expression", "argument"),
        ("init_declarator", "declarator"),
        ("call_expression", "function"),
        ("field_expression", "argument"),
        ("field_expression", "field"),
    }
)
_BARRED_TYPES = frozenset({"template_argument_list", "array_declarator", "parameter_list"})


class Kinds:
    """The kinds of a policy's expressions: "double", "integer", "bool", or None for what is not known."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def expressions(self, within: Node | None = None) -> Iterator[Node]:
        """Yield what may be changed in a block, or in all functions of the policy, outer expressions first."""
        helpers = [node for node in self._policy.members.values() if node.type == "function_definition"]
        for body in (within,) if within else (self._policy.body, *(field(node, "body") for node in helpers)):
            yield from _open(body)

    def kind(self, node: Node) -> str | None:
        """Return the kind of an expression."""
        handler = getattr(self, f"_{node.type}", None)
        return handler(node) if handler else None

    @cached_property
    def _names(self) -> dict[str, str | None]:
        return _CONSTANTS | {name: _kind_of(text(kind)) for name, kind in self._declarations()}

    @cached_property
    def _elements(self) -> dict[str, str | None]:
        lists = ((name, _template_arguments(kind)) for name, kind in self._declarations())
        return {name: _kind_of(text(found.named_children[0])) for name, found in lists if found is not None}

    def _declarations(self) -> Iterator[tuple[str, Node]]:
        """Yield every name that is declared, with its type."""
        for node in walk(self._policy.struct):
            kind = node.child_by_field_name("type")
            if kind is not None and node.type == "parameter_declaration":
                yield argument_name(node), kind
            elif kind is not None and node.type in ("field_declaration", "declaration", "for_range_loop"):
                yield from ((name, kind) for name in declared(node))

    def _number_literal(self, node: Node) -> str:
        literal = text(node)
        return "double" if not literal.startswith("0x") and any(mark in literal for mark in ".eE") else "integer"

    def _true(self, _: Node) -> str:
        return "bool"

    _false = _true

    def _identifier(self, node: Node) -> str | None:
        return self._names.get(text(node))

    def _parenthesized_expression(self, node: Node) -> str | None:
        return self.kind(node.named_children[0])

    def _field_expression(self, node: Node) -> str | None:
        base, _, path = text(node).partition(".")
        if base == self._policy.arguments[0]:
            return VIEW[path].kind if path in VIEW else None
        return ELEMENTS.get(text(field(node, "field")))

    def _subscript_expression(self, node: Node) -> str | None:
        return self._elements.get(text(field(node, "argument")))

    def _compound_literal_expression(self, node: Node) -> str | None:
        return _kind_of(text(field(node, "type")))

    def _unary_expression(self, node: Node) -> str | None:
        return "bool" if text(field(node, "operator")) == "!" else self.kind(field(node, "argument"))

    def _binary_expression(self, node: Node) -> str | None:
        if text(field(node, "operator")) in COMPARISONS | _LOGIC:
            return "bool"
        kinds = {self.kind(field(node, "left")), self.kind(field(node, "right"))}
        return None if None in kinds else "double" if "double" in kinds else "integer"

    def _conditional_expression(self, node: Node) -> str | None:
        kinds = {self.kind(field(node, "consequence")), self.kind(field(node, "alternative"))}
        return kinds.pop() if len(kinds) == 1 else None

    def _call_expression(self, node: Node) -> str | None:
        function = field(node, "function")
        if (template := _template_arguments(function)) is not None:
            return _kind_of(text(template.named_children[0]))
        name = text(function).rpartition("::")[2].rpartition(".")[2]
        if name in _MATHS:
            return "double"
        arguments = field(node, "arguments").named_children
        if name in _SAME and arguments:
            return self.kind(arguments[0])
        return {
            "stable": "bool",
            "chance": "bool",
            "free_variables": "integer",
            "luby": "integer",
            "size": "integer",
        }.get(name)


def integer_divisor(node: Node, kinds: Kinds) -> bool:
    """Whether an integer division or remainder depends on a node, so that it must not become zero."""
    child, parent = node, node.parent
    while parent is not None and parent.type in ("binary_expression", "parenthesized_expression"):
        if parent.type == "binary_expression" and text(field(parent, "operator")) in ("/", "%"):
            right = field(parent, "right")
            if right.id == child.id and kinds.kind(parent) != "double":
                return True
        child, parent = parent, parent.parent
    return False


def factor(node: Node) -> str:
    """Write an expression so that it can be multiplied."""
    loose = node.type == "conditional_expression" or (
        node.type == "binary_expression" and text(field(node, "operator")) in ("+", "-", "/")
    )
    return f"({text(node)})" if loose else text(node)


def enclosed(node: Node, code: str) -> str:
    """Put parentheses around what replaces an operand."""
    above = node.parent
    operand = above is not None and above.type in ("binary_expression", "unary_expression")
    return f"({code})" if operand else code


def _open(node: Node) -> Iterator[Node]:
    for i, child in enumerate(node.children):
        if (node.type, node.field_name_for_child(i)) in _BARRED or child.type in _BARRED_TYPES:
            continue
        if child.type.endswith(("_expression", "_literal")) or child.type in ("identifier", "true", "false"):
            yield child
        yield from _open(child)


def _template_arguments(node: Node) -> Node | None:
    return next((part for part in walk(node) if part.type == "template_argument_list"), None)


def _kind_of(name: str) -> str | None:
    """Return the kind of a type."""
    name = name.replace("std::", "").replace("const", "").strip()
    if name in ("double", "float") or name.startswith("Param"):
        return "double"
    if name == "bool":
        return "bool"
    return "integer" if name in ("int", "unsigned", "size_t") or name.endswith("_t") else None
