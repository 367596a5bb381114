"""Lays a policy's source out: indentation, one statement a line, no line beyond 120 columns, nothing that is unused."""

from __future__ import annotations

import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text, walk
from slotforge.solvers.sat.vary.policy import (
    Edit,
    Policy,
    argument_name,
    argument_nodes,
    declared,
    edited,
    field,
    identifiers,
    leaves,
    parse,
)

if TYPE_CHECKING:
    from tree_sitter import Node

WIDTH = 120
_BREAKS = frozenset({",", "&&", "||", "+", "-", "*", "<", ">", "<=", ">=", "?", "=", "+=", "-="})
_LOOPS = ("for_statement", "for_range_loop", "while_statement")
_CHANGES = ("assignment_expression", "update_expression", "call_expression")
_PURE = ("static_cast", "std::", "luby")


def tidy(source: str) -> str:
    """Take out what nothing uses (members, locals, statements after a return) and lay the rest out.

    Raises:
        BuildError: the source is not a policy.
    """
    while edits := _unused(parse(source)):
        source = edited(source, edits)
    source = edited(source, _line_breaks(parse(source)))
    source = _indented(parse(source))
    while (policy := parse(source)) and (edit := _long_line(policy)):
        source = edited(source, [edit])
    return source.strip() + "\n"


def comment(words: str) -> str:
    """Write a comment of full lines above a struct."""
    return textwrap.fill(words, WIDTH, initial_indent="// ", subsequent_indent="// ") + "\n"


def _unused(policy: Policy) -> list[Edit]:
    """Choose what to delete now; deleting it may leave more unused."""
    body = field(policy.struct, "body")
    edits = [_deletion(policy.source, node) for node in _unreachable(policy.call)]
    if not edits:
        edits = [_deletion(policy.source, node) for node in _unused_locals(policy.call)]
    if not edits:
        edits = [_deletion(policy.source, node) for node in _unused_members(policy)]
    if not edits:
        children = [child for child in body.children if child.type != ":"]
        pairs = pairwise(children)
        idle = [
            first
            for first, second in pairs
            if first.type == "access_specifier" and second.type in ("access_specifier", "}")
        ]
        edits = [_deletion(policy.source, node) for node in idle]
    used = identifiers([policy.body])
    for node in argument_nodes(policy.call):
        name = argument_name(node)
        if name and name not in used:
            edits.append(
                (node.end_byte - len(name) - (policy.source[node.end_byte - len(name) - 1] == " "), node.end_byte, "")
            )
    return edits


def _unreachable(call: Node) -> list[Node]:
    """Find what stands after a return in the same block."""
    found = []
    for block in (node for node in walk(call) if node.type == "compound_statement"):
        after = False
        for statement in block.named_children:
            if after:
                found.append(statement)
            after = after or statement.type == "return_statement" or _always_returns(statement)
    return [node for node in found if not any(other is not node and _inside(node, other) for other in found)]


def _always_returns(node: Node) -> bool:
    """Whether a statement returns whatever its conditions say."""
    if node.type == "return_statement":
        return True
    if node.type == "compound_statement":
        return any(_always_returns(child) for child in node.named_children)
    if node.type == "if_statement":
        other = node.child_by_field_name("alternative")
        return (
            other is not None
            and _always_returns(field(node, "consequence"))
            and _always_returns(other.named_children[0])
        )
    return False


def _unused_locals(call: Node) -> list[Node]:
    """Find local declarations whose names do not occur again and whose values have no side effect."""
    found = []
    for node in walk(field(call, "body")):
        if node.type != "declaration" or node.parent is None or node.parent.type != "compound_statement":
            continue
        names = declared(node)
        if names and not any(_occurs(name, call, node) for name in names) and not _acts(node):
            found.append(node)
    return found


def _occurs(name: str, within: Node, besides: Node) -> bool:
    return any(
        leaf.type == "identifier" and text(leaf) == name and not _inside(leaf, besides) for leaf in leaves(within)
    )


def _acts(node: Node) -> bool:
    """Whether evaluating an expression may change anything."""
    return any(
        part.type in _CHANGES and not (part.type == "call_expression" and _is_pure(text(field(part, "function"))))
        for part in walk(node)
    )


def _is_pure(function: str) -> bool:
    return function.startswith(_PURE) or function.endswith((".stable", ".free_variables", ".size"))


def _unused_members(policy: Policy) -> list[Node]:
    """Find members that the call operator does not reach."""
    used: set[str] = set()
    fresh = identifiers([policy.call]) & policy.members.keys()
    while fresh:
        used |= fresh
        fresh = (identifiers(policy.members[name] for name in fresh) & policy.members.keys()) - used
    unused = {
        node.id: node
        for name, node in policy.members.items()
        if name not in used and node.type != "function_definition"
    }
    unused |= {policy.members[name].id: policy.members[name] for name in policy.members.keys() - used - {policy.name}}
    kept = {policy.members[name].id for name in used}
    return sorted((node for key, node in unused.items() if key not in kept), key=lambda node: node.start_byte)


def _inside(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte


def _deletion(source: str, node: Node) -> Edit:
    """Delete a node with its semicolon, and its line when nothing else stands there."""
    start, end = node.start_byte, node.end_byte
    while end < len(source) and source[end] in ";: ":
        end += 1
    line = source.rfind("\n", 0, start) + 1
    if not source[line:start].strip() and (end == len(source) or source[end] == "\n"):
        return line, min(len(source), end + 1), ""
    return start, end, ""


def _line_breaks(policy: Policy) -> list[Edit]:
    """Start a line for every statement and closing brace of a block that is not on one line or too long for it."""
    edits = []
    for block in walk(policy.struct):
        if block.type not in ("compound_statement", "field_declaration_list") or not _is_open(policy.source, block):
            continue
        for child in [*block.named_children, block.children[-1]]:
            line = policy.source.rfind("\n", 0, child.start_byte) + 1
            trailing = child.type == "comment" and child.start_point.row == _row_before(child)
            if policy.source[line : child.start_byte].strip() and not trailing:
                edits.append((child.start_byte, child.start_byte, "\n"))
            if policy.params and child.prev_named_sibling == policy.members[policy.params[-1].name]:
                edits.append((child.start_byte, child.start_byte, "\n"))
    return edits


def _row_before(node: Node) -> int:
    return node.prev_sibling.end_point.row if node.prev_sibling else -1


def _is_open(source: str, block: Node) -> bool:
    line = source.rfind("\n", 0, block.start_byte) + 1
    end = source.find("\n", block.end_byte)
    width = (len(source) if end < 0 else end) - line
    above = block.parent
    forked = above is not None and (above.type == "else_clause" or above.child_by_field_name("alternative") is not None)
    return forked or block.start_point.row != block.end_point.row or len(block.named_children) > 1 or width > WIDTH


def _indented(policy: Policy) -> str:
    """Indent every line by its depth; a line that goes on keeps its place relative to the line where it began."""
    columns = dict(_columns(policy.struct, 0))
    lines, shift, offset = [], 0, 0
    for line in policy.source.split("\n"):
        bare = line.lstrip(" ")
        old = len(line) - len(bare)
        new = columns.get(offset + old)
        if new is not None:
            shift = new - old
        lines.append(" " * max(0, old + shift) + bare if bare else "")
        offset += len(line) + 1
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1] and not lines[i - 1].endswith("{"))]
    return "\n".join(
        line.rstrip()
        for i, line in enumerate(kept)
        if line or i + 1 == len(kept) or kept[i + 1].strip() not in ("}", "};")
    )


def _columns(node: Node, depth: int) -> list[tuple[int, int]]:
    """Return the offset of each statement, member and closing brace with the column where it belongs."""
    found = [(node.start_byte, 0)] if node.type == "struct_specifier" and depth == 0 else []
    block = node.type in ("compound_statement", "field_declaration_list")
    switch = block and node.parent is not None and node.parent.type == "switch_statement"
    for i, child in enumerate(node.children):
        inner = depth
        if block and child.is_named:
            inner = depth if switch and child.type == "case_statement" else depth + 1
            found.append((child.start_byte, 4 * inner - 2 * (child.type == "access_specifier")))
        elif block and child.type == "}":
            found.append((child.start_byte, 4 * depth))
        elif node.type == "case_statement" and child.is_named and node.field_name_for_child(i) != "value":
            inner = depth + 1
            found.append((child.start_byte, 4 * inner))
        elif child.type.endswith("_statement") and child.type != "compound_statement":
            if node.type in (*_LOOPS, "if_statement") or (node.type == "else_clause" and child.type != "if_statement"):
                inner = depth + 1
                found.append((child.start_byte, 4 * inner))
        elif child.type == "else_clause":
            found.append((child.start_byte, 4 * depth))
        found += _columns(child, inner)
    return found


def _long_line(policy: Policy) -> Edit | None:
    """Break the first long line that can be broken: before a statement, else where least is torn apart."""
    offset = 0
    for line in policy.source.split("\n"):
        indent = len(line) - len(line.lstrip())
        if len(line) > WIDTH and (places := _places(policy, offset + indent, offset + WIDTH)):
            best = max(places)[1]
            return best, best + (policy.source[best] == " "), "\n" + " " * (indent + 4)
        offset += len(line) + 1
    return None


def _places(policy: Policy, start: int, end: int) -> list[tuple[int, int]]:
    """Return where a line from start may be broken before end: how good it is, and the offset."""
    bodies = [
        (1, node.start_byte - 1)
        for node in walk(policy.struct)
        if node.type.endswith("_statement") and node.type != "compound_statement" and start < node.start_byte < end
    ]
    depth, found = 0, bodies
    for leaf in leaves(policy.struct):
        if start <= leaf.start_byte < end:
            depth -= (leaf.type in "({[") - (leaf.type in ")}]")
            place = leaf.start_byte - 1 if leaf.type == "?" else leaf.end_byte
            if leaf.type in _BREAKS and start + 20 < place < end:
                found.append((depth, place))
    return found
