"""The first, cheap line against bad source: only what a policy needs is allowed. The sandbox is the boundary."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError
from slotforge.solvers.sat import words
from slotforge.solvers.sat.slot import arguments, slots
from slotforge.solvers.sat.source import declared, params, text, tree, walk

if TYPE_CHECKING:
    from tree_sitter import Node

SIZE = 8192  # bytes of source
DEPTH = 64  # of brackets

_VIEW = Path(__file__).parent / "engine" / "include" / "slotforge" / "view.hpp"
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
        policy = _Policy(slot=slot, root=root)
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


@dataclass(frozen=True, kw_only=True)
class _Policy:
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
        kinds = ("struct_specifier", "enum_specifier", "alias_declaration")
        return frozenset(text(node.child_by_field_name("name")) for node in walk(self.root) if node.type in kinds)

    @cached_property
    def own_names(self) -> frozenset[str]:
        return frozenset(declared(self.root))

    @cached_property
    def params(self) -> frozenset[str]:
        return frozenset(text(node.child_by_field_name("declarator")) for node in self.members if _is_param(node))

    @cached_property
    def functions(self) -> frozenset[str]:
        """Member functions and lambdas: what may not be called before the parameters are set."""
        return frozenset(name for node in self.members if node.type == "function_definition" for name in declared(node))


def _faults(policy: _Policy) -> Iterator[str]:
    for node in walk(policy.struct):
        if node.is_named and node.type not in words.NODES:
            what = f"{node.type.replace('_', ' ')} is not allowed: {_short(node)}"
            yield _at(node, words.REFUSED.get(node.type, what))
        elif node.type.isalpha() and not node.is_named and node.type not in words.KEYWORDS:
            yield _at(node, words.REFUSED.get(node.type, f"{node.type} is not allowed"))
        elif (rule := _RULES.get(node.type)) and (fault := rule(policy, node)):
            yield _at(node, fault)


def _identifier(policy: _Policy, node: Node) -> str | None:
    name = text(node)
    if name.startswith("_") or "__" in name:
        return f"the name {name!r} is reserved: begin it with a letter"
    if name in policy.own_names or name in words.PLAIN or name in api(policy.slot).constants:
        return None
    if node.parent is not None and node.parent.type in ("qualified_identifier", "template_function"):
        return None  # judged with what stands before it
    if name in words.STD or name in policy.own_types or name in words.TYPES or name in api(policy.slot).types:
        return None if name not in words.STD - words.INTEGERS else f"{name!r} stands alone: write std::{name}"
    return f"the name {name!r} is not known here: declare it, or use View, the arguments, std::min, std::sqrt ..."


def _type(policy: _Policy, node: Node) -> str | None:
    name = text(node)
    if name == "Param" and node.parent is not None and _is_param(node.parent):
        return None
    if name in policy.own_types and (name in words.TYPES or name in api(policy.slot).types):
        return f"{name!r} is a type of the engine: choose another name"
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


def _qualified(policy: _Policy, node: Node) -> str | None:
    scope, name = node.child_by_field_name("scope"), node.child_by_field_name("name")
    if scope is None:
        return "a name that begins with :: is not allowed"
    inner = name
    while inner is not None and inner.type in ("template_type", "template_function"):
        inner = inner.child_by_field_name("name")
    words_of = _scope_words(policy, scope)
    if inner is not None and inner.type == "qualified_identifier":
        return None if text(scope) == "std" else f"{text(scope)}:: is not allowed before another scope"
    return None if text(inner) in words_of else f"{_short(node)} is not among the names that a policy may use"


def _scope_words(policy: _Policy, scope: Node) -> frozenset[str]:
    if text(scope) == "std":
        return frozenset(words.STD)
    if text(scope) == "Mode":
        return frozenset({"focused", "stable"})
    if scope.type == "template_type" and text(scope.child_by_field_name("name")) == "numeric_limits":
        return words.LIMITS
    return policy.own_names | policy.own_types if text(scope) in policy.own_types else frozenset()


def _field(policy: _Policy, node: Node) -> str | None:
    if any(child.type in ("->", ".*", "->*") for child in node.children):
        return "pointers are not allowed: write x.field"
    if text(node.child_by_field_name("argument")) in policy.params:
        return "a SLOT_PARAM is only a number: use it by its name"
    name = node.child_by_field_name("field")
    known = text(name) in api(policy.slot).fields or text(name) in policy.own_names or text(name) in words.METHODS
    return None if known else f"there is no field {text(name)!r}: see View and the slot's contract"


def _call(policy: _Policy, node: Node) -> str | None:
    function = node.child_by_field_name("function")
    if function is None or function.type in _CALLED:
        return None
    if function.type != "template_function":
        return f"this may not be called: {_short(function)}"
    if text(function.child_by_field_name("name")) != "static_cast":
        return f"templates may not be called by themselves: {_short(function)}"
    target = _BLANKS.sub(" ", text(function.child_by_field_name("arguments"))[1:-1]).strip()
    if _ARITHMETIC.fullmatch(target) or target in policy.own_types or target == "Mode":
        return None
    return "static_cast may only go to an arithmetic type"


def _function(_: _Policy, node: Node) -> str | None:
    parent = node.parent
    while parent is not None and parent.type == "reference_declarator":
        parent = parent.parent
    if parent is None or parent.type not in ("function_definition", "lambda_expression"):
        return f"a function needs its body here, and a variable its value in braces: {_short(node)}"
    named = text(node.child_by_field_name("declarator"))
    if parent.type == "function_definition" and parent.child_by_field_name("type") is None:
        return "constructors and destructors are not allowed: give members their values where they are declared"
    return "only operator() may be defined" if named.startswith("operator") and named != "operator()" else None


def _definition(_: _Policy, node: Node) -> str | None:
    if node.child_by_field_name("body") is None:
        return "a function needs its body: = default and = delete are not allowed"
    return None


def _member(policy: _Policy, node: Node) -> str | None:
    if _is_param(node):
        own = node.parent == policy.struct.child_by_field_name("body")
        return None if own else "SLOT_PARAM belongs to the policy itself, not to a struct in it"
    if any(child.type == "reference_declarator" for child in node.children):
        return "a member may not be a reference: keep a value"
    start = node.child_by_field_name("default_value")
    names = {text(leaf) for leaf in walk(start) if leaf.type == "identifier"} if start is not None else set()
    if early := sorted(names & (policy.params | policy.functions)):
        return f"{early[0]!r} may not be read before the first call, for its numbers are set after the policy is made"
    return None


def _storage(_: _Policy, node: Node) -> str | None:
    constant = any(text(other) == "constexpr" for other in node.parent.children) if node.parent is not None else False
    if text(node) == "inline" or (text(node) == "static" and (constant or _is_method(node))):
        return None
    return f"{text(node)} is not allowed: keep state in members, constants in static constexpr"


def _is_method(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "function_definition"


def _qualifier(_: _Policy, node: Node) -> str | None:
    return None if text(node) in ("const", "constexpr", "mutable") else f"{text(node)} is not allowed"


def _literal(_: _Policy, node: Node) -> str | None:
    return None if _NUMBER.fullmatch(text(node)) else f"the number {_short(node)} is not in plain form"


def _array(_: _Policy, node: Node) -> str | None:
    return f"plain arrays are not allowed: write std::array, not {_short(node)}"


_RULES: Mapping[str, Callable[[_Policy, Node], str | None]] = {
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


def _signature(policy: _Policy) -> str | None:
    calls = [node for node in policy.members if _is_call(node)]
    wanted = slots()[policy.slot].signature
    shown = f"operator() must have the slot's signature {wanted}"
    if len(calls) != 1:
        return f"a policy has exactly one call operator, this has {len(calls)}; {shown}"
    return None if _shape(calls[0]) == api(policy.slot).shape else _at(calls[0], shown)


def _is_call(node: Node) -> bool:
    declarator = node.child_by_field_name("declarator")
    named = declarator.child_by_field_name("declarator") if declarator is not None else None
    return node.type == "function_definition" and text(named) == "operator()"


def _shape(function: Node) -> tuple[str, ...]:
    """The types of a function's result and arguments, without names and `std::`."""
    declarator = function.child_by_field_name("declarator")
    listed = declarator.child_by_field_name("parameters") if declarator is not None else None
    taken = listed.named_children if listed is not None else []
    return (_plain(function.child_by_field_name("type")), *(_plain(node) for node in taken if node.type != "comment"))


def _plain(node: Node | None) -> str:
    leaves = [leaf for leaf in walk(node) if not leaf.children and leaf.type != "comment"] if node is not None else []
    return " ".join(text(leaf) for leaf in leaves if leaf.type not in ("identifier", "::") and text(leaf) != "std")


@dataclass(frozen=True, kw_only=True)
class Api:
    """What a policy of one slot may use of the engine.

    types, constants: of the slot's header. fields: of View and of the slot's argument structs. shape: of the call.
    """

    types: frozenset[str]
    constants: frozenset[str]
    fields: frozenset[str]
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
    return Api(
        types=frozenset(text(n.child_by_field_name("name")) for n in structs if n.type == "struct_specifier"),
        constants=frozenset(name for n in structs if n.type == "declaration" for name in declared(n)),
        fields=frozenset(name for root in roots for name in declared(root)),
        shape=_shape(called),
    )


def _is_param(node: Node) -> bool:
    if node.type != "field_declaration" or text(node.child_by_field_name("type")) != "Param":
        return False
    return text(node).startswith("Param      ")  # SLOT_PARAM( as it is masked


def _at(node: Node, what: str) -> str:
    return f"line {node.start_point[0] + 1}: {what}"


def _short(node: Node) -> str:
    shown = _BLANKS.sub(" ", text(node)).strip()
    return shown if len(shown) <= 60 else shown[:57] + "..."
