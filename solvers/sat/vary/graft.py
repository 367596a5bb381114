"""Moves code between policies: statements of a donor with all that they need, renamed where names collide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text, walk
from slotforge.solvers.sat.vary.policy import (
    NAMES,
    Edit,
    Policy,
    argument_name,
    argument_nodes,
    declared,
    edited,
    field,
    fresh,
    identifiers,
    is_param,
    leaves,
    parse,
)

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, kw_only=True)
class Graft:
    """Code ready to be put into a host: statements for its call operator, and the members that they need."""

    code: str
    params: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


def take(donor: Policy, nodes: Sequence[Node], host: Policy, *, taken: Iterable[str] = ()) -> Graft:
    """Cut nodes out of a donor for a host.

    Args:
        nodes: statements of the donor, or one expression.
        taken: names that the host will have besides those it has.
    """
    needed = _needed(donor, nodes)
    used = set(host.names) | set(taken)
    shared = {name for name in needed if is_param(donor.members[name]) and _same_param(name, donor, host)}
    renamed: dict[str, str] = {}
    for name in sorted({*needed, *(name for node in nodes if node.type == "declaration" for name in declared(node))}):
        if name in used and name not in shared:
            renamed[name] = fresh(name, used | donor.names)
            used.add(renamed[name])
    renamed |= {
        theirs: ours
        for theirs, ours in zip(donor.arguments, host.arguments, strict=True)
        if theirs and ours and theirs != ours
    }
    edits = _renaming(donor, renamed)
    declarations: dict[int, tuple[bool, str]] = {}
    for name in needed:
        node = donor.members[name]
        if name not in shared:
            declarations[node.id] = (is_param(node), edited(donor.source, edits, node.start_byte, node.end_byte))
    return Graft(
        code="\n".join(edited(donor.source, edits, node.start_byte, node.end_byte) for node in nodes),
        params=tuple(code for tunable, code in declarations.values() if tunable),
        members=tuple(code for tunable, code in declarations.values() if not tunable),
    )


def join(*grafts: Graft, code: str) -> Graft:
    """Put the members of several grafts together under new code."""
    return Graft(
        code=code,
        params=tuple(dict.fromkeys(param for graft in grafts for param in graft.params)),
        members=tuple(dict.fromkeys(member for graft in grafts for member in graft.members)),
    )


def plant(host: Policy, graft: Graft, start: int, end: int | None = None) -> str:
    """Put a graft's code in place of host.source[start:end], and its members where members of their kind stand."""
    body = field(host.struct, "body")
    edits: list[Edit] = [(start, start if end is None else end, graft.code)]
    if graft.params:
        last = max((host.members[p.name].end_byte for p in host.params), default=body.start_byte + 1)
        edits.append((last, last, "".join(f"\n{param}" for param in graft.params)))
    if graft.members:
        private = any(child.type == "access_specifier" for child in body.named_children)
        head = () if private else ("\nprivate:",)
        edits.append((body.end_byte - 1, body.end_byte - 1, "\n".join((*head, *graft.members)) + "\n"))
    return edited(host.source, edits)


def named(policy: Policy, others: Iterable[Policy]) -> Policy:
    """Give names to arguments that have none, as others call them."""
    edits: list[Edit] = []
    for i, node in enumerate(argument_nodes(policy.call)):
        name = next((other.arguments[i] for other in others if other.arguments[i]), "")
        if not argument_name(node) and name:
            space = "" if policy.source[node.end_byte - 1] == "&" else " "
            edits.append((node.end_byte, node.end_byte, space + fresh(name, policy.names)))
    return parse(edited(policy.source, edits)) if edits else policy


def needs(donor: Policy, chosen: Sequence[Node]) -> list[Node]:
    """Return statements of a donor with those before them that declare or compute what they use, in order."""
    kept = {node.id for node in chosen}
    wanted = {*identifiers(chosen), *_needed(donor, chosen)}
    for node in reversed(donor.statements):
        makes = {*declared(node), *_written(node)} if not _returns(node) else set()
        if node.id not in kept and node.start_byte < chosen[0].start_byte and makes & wanted:
            kept.add(node.id)
            wanted |= {*identifiers([node]), *_needed(donor, [node])}
    return [node for node in donor.statements if node.id in kept]


def param(host: Policy, name: str, value: str, low: str, high: str) -> Graft:
    """Make a SLOT_PARAM of a new name; its code is the name."""
    name = fresh(name, host.names)
    return Graft(code=name, params=(f"SLOT_PARAM({name}, {value}, {low}, {high});",))


def declared_param(code: str) -> str:
    """Return the name in the text of a SLOT_PARAM."""
    return code.partition("(")[2].partition(",")[0].strip()


def recoded(graft: Graft, code: str) -> Graft:
    """Return a graft with other code."""
    return replace(graft, code=code)


def _written(statement: Node) -> set[str]:
    """Return the names that a statement assigns to, or to parts of."""
    targets = [field(node, "left") for node in walk(statement) if node.type == "assignment_expression"]
    targets += [field(node, "argument") for node in walk(statement) if node.type == "update_expression"]
    return {text(next(leaves(target))) for target in targets}


def _returns(statement: Node) -> bool:
    return any(node.type == "return_statement" for node in walk(statement))


def _needed(donor: Policy, nodes: Sequence[Node]) -> list[str]:
    """Return the members that nodes use, and those that these use, in the order of the donor."""
    found: set[str] = set()
    new = identifiers(nodes) & donor.members.keys()
    while new:
        found |= new
        new = (identifiers(donor.members[name] for name in new) & donor.members.keys()) - found
    return [name for name in donor.members if name in found]


def _same_param(name: str, donor: Policy, host: Policy) -> bool:
    return name in host.members and text(host.members[name]).split() == text(donor.members[name]).split()


def _renaming(donor: Policy, renamed: dict[str, str]) -> list[Edit]:
    edits = []
    body = field(donor.struct, "body")
    for leaf in leaves(donor.struct):
        if leaf.type not in NAMES or text(leaf) not in renamed:
            continue
        if leaf.type == "field_identifier" and not _declares_member(leaf, body):
            continue
        edits.append((leaf.start_byte, leaf.end_byte, renamed[text(leaf)]))
    return edits


def _declares_member(leaf: Node, body: Node) -> bool:
    node: Node | None = leaf.parent
    while node is not None and node.type not in ("field_expression", "field_designator", "field_declaration_list"):
        node = node.parent
    return node is not None and node.id == body.id
