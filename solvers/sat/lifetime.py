"""The rules that keep a policy to values: nothing refers to what may be gone, or to what is not its own.

References, spans, lambdas and `this` are the only things in a policy that refer to something else. Each may stand in
few places, and none of these lets it be cast to, kept between calls, returned, assigned or put into another value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from slotforge.solvers.sat.scope import Scope, api, is_span, named
from slotforge.solvers.sat.source import text, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_NAMES = ("identifier", "field_identifier")
_VALUES = {"init_declarator": "value", "for_range_loop": "right", "declaration": "value"}


def _reference(scope: Scope, node: Node) -> str | None:
    """A reference is an argument, or a local name of something that has a name."""
    parent = node.parent
    if any(child.type == "&&" for child in node.children):
        return "rvalue references are not allowed: write const T &, or a value"
    if parent is None or parent.type == "parameter_declaration":
        return None
    if parent.type == "function_definition":
        return "a function may not return a reference: return a value"
    if parent.type == "field_declaration":
        return "a member may not be a reference: keep a value"
    if parent.type not in _VALUES:
        return "a reference type is not allowed here: only arguments and locals may be references"
    return None if _is_variable(scope, parent.child_by_field_name(_VALUES[parent.type])) else _BOUND


_BOUND = "a reference must be to a variable, its fields or elements: write a value, as const double x = ..."


def _is_variable(scope: Scope, node: Node | None) -> bool:
    """Whether an expression names a variable, a field or an element of one, so that it lives as long as its name."""
    if node is None or node.type == "identifier":
        return node is not None and text(node) not in scope.params | scope.lambdas
    if node.type == "call_expression":
        function = node.child_by_field_name("function")
        element = function is not None and text(function.child_by_field_name("field")) in ("back", "front")
        return element and _is_variable(scope, function)
    inner = node.child_by_field_name("argument") if node.type in ("field_expression", "subscript_expression") else None
    return inner is not None and _is_variable(scope, inner)


def _range(scope: Scope, node: Node) -> str | None:
    right = node.child_by_field_name("right")
    if _is_variable(scope, right) or (right is not None and right.type == "initializer_list"):
        return None
    return "a loop may only go over a variable or a list in braces"


def _base(scope: Scope, node: Node) -> str | None:
    """What stands before a dot: a variable, or the value that one of the policy's own functions returned."""
    base = node.child_by_field_name("argument")
    called = base.child_by_field_name("function") if base is not None and base.type == "call_expression" else None
    if _is_variable(scope, base) or (called is not None and text(called) in scope.functions | scope.lambdas):
        return None
    return "only a variable may stand before a dot: give the value a name first"


def _name(scope: Scope, node: Node) -> str | None:
    return _without_value(scope, node) or _span_name(scope, node)


def _without_value(scope: Scope, node: Node) -> str | None:
    declaration = node.parent
    if declaration is None or declaration.type != "declaration" or not _is_declared(declaration, node):
        return None
    if text(declaration.child_by_field_name("type")) in api(scope.slot).types:
        return None  # its members have values
    return f"a local variable needs a value, or its first is whatever was there: {text(declaration)[:60]}"


def _is_declared(declaration: Node, node: Node) -> bool:
    return node in declaration.children_by_field_name("declarator")


def _span_name(scope: Scope, node: Node) -> str | None:
    """A span or a lambda may be used where it stands, but not become a value of something else."""
    name, parent = text(node), node.parent
    if parent is None or not (name in scope.spans or name in scope.lambdas):
        return None
    if parent.type in ("parameter_declaration", "reference_declarator", "lambda_capture_specifier"):
        return None
    if name in scope.lambdas:
        used = _is(parent, "call_expression", "function", node) or _is(parent, "init_declarator", "declarator", node)
        return None if used else f"{name!r} is a lambda: it may only be called"
    used = any(_is(parent, kind, "argument", node) for kind in ("field_expression", "subscript_expression"))
    if used or _is(parent, "for_range_loop", "right", node) or _is_own_argument(scope, parent):
        return None
    return f"{name!r} is a span: it may only be indexed, looped over, or given to a function of the policy"


def _is(parent: Node, kind: str, field: str, node: Node) -> bool:
    return parent.type == kind and parent.child_by_field_name(field) == node


def _is_own_argument(scope: Scope, parent: Node) -> bool:
    called = parent.parent.child_by_field_name("function") if parent.parent is not None else None
    if parent.type != "argument_list" or called is None:
        return False
    return called.type == "identifier" and text(called) in scope.functions | scope.lambdas


def _lambda(_: Scope, node: Node) -> str | None:
    parent = node.parent
    kind = parent.parent.child_by_field_name("type") if parent is not None and parent.parent is not None else None
    if parent is not None and parent.type == "init_declarator" and text(kind) == "auto":
        return None
    return "a lambda may only be the value of a local: auto f = [this](double x) { ... };"


def _span(_: Scope, node: Node) -> str | None:
    name = node.child_by_field_name("name")
    inner = name.child_by_field_name("name") if name is not None else None
    if "span" not in (text(name), text(inner)):
        return None
    if is_span(node) and node.parent is not None and node.parent.type == "parameter_declaration":
        return None
    return "a span may only be an argument: what it refers to may be gone later; keep values in std::array"


def _this(_: Scope, node: Node) -> str | None:
    if node.parent is not None and node.parent.type == "lambda_capture_specifier":
        return None
    return "this may only be captured by a lambda: use members by their names"


def _argument(_: Scope, node: Node) -> str | None:
    kind = node.child_by_field_name("type")
    return "auto may not be an argument: write its type" if kind is not None and "auto" in text(kind) else None


def _own_start(_: Scope, node: Node) -> str | None:
    """A name stands for nothing before its value is made: `double &r = r` would refer to any memory."""
    value = node.child_by_field_name("value") or node.child_by_field_name("default_value")
    if value is None:
        return None
    made = {text(leaf) for of in node.children_by_field_name("declarator") for leaf in walk(of) if leaf.type in _NAMES}
    used = {text(leaf) for leaf in walk(value) if leaf.type == "identifier"}
    return f"{min(made & used)!r} is used in its own value" if made & used else None


def _start(scope: Scope, node: Node) -> str | None:
    if fault := _own_start(scope, node):
        return fault
    value, kind = node.child_by_field_name("value"), node.parent.child_by_field_name("type") if node.parent else None
    if value is not None and value.type == "initializer_list" and "placeholder" in (kind.type if kind else ""):
        return "auto may not be a list in braces: write the type"
    return None


def _abstract_function(_: Scope, node: Node) -> str | None:
    if node.parent is not None and node.parent.type == "lambda_expression":
        return None
    return "a function type is not allowed"


RULES: Mapping[str, Callable[[Scope, Node], str | None]] = {
    "reference_declarator": _reference,
    "abstract_reference_declarator": _reference,
    "for_range_loop": _range,
    "field_expression": _base,
    "identifier": _name,
    "lambda_expression": _lambda,
    "qualified_identifier": _span,
    "this": _this,
    "parameter_declaration": _argument,
    "optional_parameter_declaration": lambda scope, node: _argument(scope, node) or _own_start(scope, node),
    "init_declarator": _start,
    "declaration": _own_start,
    "field_declaration": _own_start,
    "abstract_function_declarator": _abstract_function,
}


def recursion(scope: Scope) -> tuple[Node, str] | None:
    """Find a function that may call itself, so that a policy's stack is bounded; None when there is none."""
    calls: dict[tuple[bool, str], set[tuple[bool, str]]] = {}
    places: dict[tuple[bool, str], Node] = {}
    for node in scope.nodes:
        if node.type == "function_definition":
            key = (node in scope.members, named(node))
            calls.setdefault(key, set()).update(_called(node))
            places.setdefault(key, node)
    for key, node in places.items():
        seen, pending = set[tuple[bool, str]](), [key]
        while pending:
            new = calls.get(pending.pop(), set()) - seen
            seen |= new
            pending.extend(new)
        if key in seen:
            return node, f"{key[1]!r} may call itself: write a loop"
    return None


def _called(function: Node) -> Iterator[tuple[bool, str]]:
    """The functions that one calls, and whether each is the policy's own or, as all behind a dot, an inner struct's."""
    for node in walk(function):
        called = node.child_by_field_name("function") if node.type == "call_expression" else None
        if called is None:
            continue
        if called.type == "field_expression":
            yield False, text(called.child_by_field_name("field"))
        else:
            name = text(called).rpartition("::")[2]
            yield True, name
            yield False, name
