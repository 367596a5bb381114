"""The first, cheap line against bad source: only what a policy needs is allowed. The sandbox is the boundary."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError
from slotforge.solvers.sat import lifetime, words
from slotforge.solvers.sat.scope import Scope, api, is_param, named, shape
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import params, text, tree, walk

if TYPE_CHECKING:
    from tree_sitter import Node

SIZE = 8192  # bytes of source
DEPTH = 64  # of brackets

_NUMBER = re.compile(r"-?(0[xX][0-9a-fA-F]+|0[bB][01]+|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)[uUlLfF]*")
_ARITHMETIC = re.compile(
    r"(const )?(bool|char|float|double|(un)?signed|(un)?signed (char|int|long|short)|int|long|long long"
    r"|unsigned long long|short|(std::)?(u?int(8|16|32|64)_t|size_t|ptrdiff_t))"
)
_CALLED = frozenset({"identifier", "field_expression", "qualified_identifier", "primitive_type"})
_BLANKS = re.compile(r"\s+")


def check(slot: str, source: str) -> str | None:
    """Check a policy's source against what a policy may be made of.

    Args:
        slot: that the policy is for.
        source: of the policy: one struct, with its comment.

    Returns:
        None when nothing is wrong; otherwise one line: where, what is not allowed, and what to write instead.
    """
    if fault := _characters(source):
        return fault
    try:
        root = tree(source)
        for step in (_parsed, _one_struct):
            if fault := step(root):
                return fault
        policy = Scope(slot=slot, root=root)
        params(source)
        return next(iter(_faults(policy)), None) or _signature(policy)
    except BuildError as error:
        return str(error)


def _characters(source: str) -> str | None:
    """What can be said without a syntax tree, so that what is parsed is small, plain and shallow."""
    if len(source) > SIZE:
        return f"the source has {len(source)} characters, at most {SIZE} are allowed: write a smaller policy"
    depth = 0
    for number, line in enumerate(source.split("\n"), 1):
        if not line.isascii() or not line.replace("\t", " ").isprintable():
            return f"line {number}: only printable ASCII text is allowed"
        for token, what in (("\\", "a backslash"), ("??", "a trigraph"), ("<:", "a digraph"), ("<%", "a digraph"),
                            ("%:", "a digraph"), ("%>", "a digraph")):  # fmt: skip
            if token in line:
                return f"line {number}: {what} ({token}) is not allowed: write plain code and comments"
        for char in line:
            depth += (char in "([{") - (char in ")]}")
            if depth > DEPTH:
                return f"line {number}: brackets nest deeper than {DEPTH}: write simpler code"
    return None


def _parsed(root: Node) -> str | None:
    if not root.has_error:
        return None
    for node in walk(root):
        if "preproc" in node.type:
            return _at(node, words.REFUSED.get(node.type, "directives are not allowed"))
        if node.is_error or node.is_missing:
            return _at(node, f"this is not C++ that a policy may hold: {_short(node)}")
    return "the source is not C++"


def _one_struct(root: Node) -> str | None:
    found = 0
    for node in root.children:
        if node.type == "struct_specifier" and node.child_by_field_name("body") is not None:
            found += 1
        elif node.type not in ("comment", ";"):
            return _at(node, words.REFUSED.get(node.type, f"only one struct is allowed, not: {_short(node)}"))
    return None if found == 1 else f"a policy is exactly one struct; the source has {found}"


def _faults(policy: Scope) -> Iterator[str]:
    for node in policy.nodes:
        if node.is_named and node.type not in words.NODES:
            what = f"{node.type.replace('_', ' ')} is not allowed: {_short(node)}"
            yield _at(node, words.REFUSED.get(node.type, what))
        elif node.type.isalpha() and not node.is_named and node.type not in words.KEYWORDS:
            yield _at(node, words.REFUSED.get(node.type, f"{node.type} is not allowed"))
        for rules in (_RULES, lifetime.RULES):
            if (rule := rules.get(node.type)) and node.is_named and (fault := rule(policy, node)):
                yield _at(node, fault)
    if found := lifetime.recursion(policy):
        yield _at(*found)


def _identifier(policy: Scope, node: Node) -> str | None:
    name = text(node)
    if name.startswith("_") or "__" in name:
        return f"the name {name!r} is reserved: begin it with a letter"
    if name in words.RESERVED:
        return f"the name {name!r} may not stand here: choose another name"
    if name in policy.own_names or name in words.PLAIN or name in api(policy.slot).constants:
        return None
    if node.parent is not None and node.parent.type in ("qualified_identifier", "template_function"):
        return None  # judged with what stands before it
    if name in words.STD or name in policy.own_types or name in words.TYPES or name in api(policy.slot).types:
        return None if name not in words.STD - words.INTEGERS else f"{name!r} stands alone: write std::{name}"
    return f"the name {name!r} is not known here: declare it, or use View, the arguments, std::min, std::sqrt ..."


def _type(policy: Scope, node: Node) -> str | None:
    name = text(node)
    if name == text(policy.struct.child_by_field_name("name")) and node.parent != policy.struct:
        return f"a policy may not hold or be given another {name}"
    if name == "Param" and node.parent is not None and is_param(node.parent):
        return None
    if name in policy.own_types and name in words.TYPES | words.RESERVED | api(policy.slot).types:
        return f"the name {name!r} may not stand here: choose another name"
    if name in policy.own_types or name in words.TYPES or name in api(policy.slot).types:
        return None
    if name in policy.own_names and _is_argument(node):
        return None  # a constant, as in std::array<double, N>
    if node.parent is not None and _is_after_scope(node):
        return None  # judged with what stands before it
    return f"the type {name!r} is not known here: use arithmetic types, enums, std::array, Random, or the slot's own"


def _is_argument(node: Node) -> bool:
    described = node.parent
    return described is not None and described.parent is not None and described.parent.type == "template_argument_list"


def _is_after_scope(node: Node) -> bool:
    parent = node.parent
    if parent is not None and parent.type == "template_type":
        parent = parent.parent
    return parent is not None and parent.type == "qualified_identifier"


def _qualified(policy: Scope, node: Node) -> str | None:
    scope, name = node.child_by_field_name("scope"), node.child_by_field_name("name")
    if scope is None:
        return "a name that begins with :: is not allowed"
    inner = name
    while inner is not None and inner.type in ("template_type", "template_function"):
        inner = inner.child_by_field_name("name")
    words_of = _scope_words(policy, scope)
    if inner is not None and inner.type == "qualified_identifier":
        limits = _template(inner.child_by_field_name("scope")) == "numeric_limits"
        return None if text(scope) == "std" and limits else f"{text(scope)}:: is not allowed before another scope"
    return None if text(inner) in words_of else f"{_short(node)} is not among the names that a policy may use"


def _scope_words(policy: Scope, scope: Node) -> frozenset[str]:
    if text(scope) == "std":
        return frozenset(words.STD)
    if text(scope) == "Mode":
        return frozenset({"focused", "stable"})
    if _template(scope) == "numeric_limits":
        return words.LIMITS
    return policy.own_names | policy.own_types if text(scope) in policy.scopes else frozenset()


def _template(node: Node | None) -> str:
    return text(node.child_by_field_name("name")) if node is not None and node.type == "template_type" else ""


def _field(policy: Scope, node: Node) -> str | None:
    if any(child.type in ("->", ".*", "->*") for child in node.children):
        return "pointers are not allowed: write x.field"
    if text(node.child_by_field_name("argument")) in policy.params:
        return "a SLOT_PARAM is only a number: use it by its name"
    name = text(node.child_by_field_name("field"))
    if node.parent is not None and node.parent.child_by_field_name("function") == node:
        known = name in words.METHODS or name in api(policy.slot).methods or name in policy.functions
        return None if known else f"there is no function {name!r} to call: see View and the slot's contract"
    known = name in api(policy.slot).fields or name in policy.own_names
    return None if known else f"there is no field {name!r}: see View and the slot's contract"


def _call(policy: Scope, node: Node) -> str | None:
    function = node.child_by_field_name("function")
    if function is None or function.type in _CALLED:
        plain = function is None or function.type != "identifier" or text(function) in _callable(policy)
        return None if plain else f"{text(function)!r} is no function: only functions and types may be called"
    if function.type != "template_function":
        return f"this may not be called: {_short(function)}"
    if text(function.child_by_field_name("name")) != "static_cast":
        return f"templates may not be called by themselves: {_short(function)}"
    target = _BLANKS.sub(" ", text(function.child_by_field_name("arguments"))[1:-1]).strip()
    if _ARITHMETIC.fullmatch(target) or target in policy.own_types or target == "Mode":
        return None
    return "static_cast may only go to an arithmetic type"


def _callable(policy: Scope) -> frozenset[str]:
    types = policy.own_types | words.TYPES | api(policy.slot).types
    return policy.functions | policy.lambdas | types | {"luby"}


def _function(_: Scope, node: Node) -> str | None:
    parent = node.parent
    while parent is not None and parent.type == "reference_declarator":
        parent = parent.parent
    if parent is None or parent.type not in ("function_definition", "lambda_expression"):
        return f"a function needs its body here, and a variable its value in braces: {_short(node)}"
    name = text(node.child_by_field_name("declarator"))
    if parent.type == "function_definition" and parent.child_by_field_name("type") is None:
        return "constructors and destructors are not allowed: give members their values where they are declared"
    if name in words.REFERRING:
        return f"a function may not be called {name!r}: choose another name"
    return "only operator() may be defined" if name.startswith("operator") and name != "operator()" else None


def _definition(_: Scope, node: Node) -> str | None:
    if node.child_by_field_name("body") is None:
        return "a function needs its body: = default and = delete are not allowed"
    return None


def _member(policy: Scope, node: Node) -> str | None:
    if is_param(node):
        own = node.parent == policy.struct.child_by_field_name("body")
        return None if own else "SLOT_PARAM belongs to the policy itself, not to a struct in it"
    start = node.child_by_field_name("default_value")
    names = {text(leaf) for leaf in walk(start) if leaf.type == "identifier"} if start is not None else set()
    if early := sorted(names & (policy.params | policy.functions)):
        return f"{early[0]!r} may not be read before the first call, for its numbers are set after the policy is made"
    return None


def _storage(_: Scope, node: Node) -> str | None:
    constant = any(text(other) == "constexpr" for other in node.parent.children) if node.parent is not None else False
    if text(node) == "inline" or (text(node) == "static" and (constant or _is_method(node))):
        return None
    return f"{text(node)} is not allowed: keep state in members, constants in static constexpr"


def _is_method(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "function_definition"


def _qualifier(_: Scope, node: Node) -> str | None:
    return None if text(node) in ("const", "constexpr", "mutable") else f"{text(node)} is not allowed"


def _literal(_: Scope, node: Node) -> str | None:
    return None if _NUMBER.fullmatch(text(node)) else f"the number {_short(node)} is not in plain form"


def _array(_: Scope, node: Node) -> str | None:
    return f"plain arrays are not allowed: write std::array, not {_short(node)}"


_RULES: Mapping[str, Callable[[Scope, Node], str | None]] = {
    "identifier": _identifier,
    "type_identifier": _type,
    "qualified_identifier": _qualified,
    "field_expression": _field,
    "call_expression": _call,
    "function_declarator": _function,
    "function_definition": _definition,
    "field_declaration": _member,
    "storage_class_specifier": _storage,
    "type_qualifier": _qualifier,
    "number_literal": _literal,
    "array_declarator": _array,
}


def _signature(policy: Scope) -> str | None:
    calls = [node for node in policy.members if _is_call(node)]
    wanted = slots()[policy.slot].signature
    shown = f"operator() must have the slot's signature {wanted}"
    if len(calls) != 1:
        return f"a policy has exactly one call operator, this has {len(calls)}; {shown}"
    return None if shape(calls[0]) == api(policy.slot).shape else _at(calls[0], shown)


def _is_call(node: Node) -> bool:
    return node.type == "function_definition" and named(node) == "operator()"


def _at(node: Node, what: str) -> str:
    return f"line {node.start_point[0] + 1}: {what}"


def _short(node: Node) -> str:
    shown = _BLANKS.sub(" ", text(node)).strip()
    return shown if len(shown) <= 60 else shown[:57] + "..."
