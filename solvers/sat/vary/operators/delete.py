"""Deletes a statement, or the conditions of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text, walk
from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.policy import Edit, Policy, edited, field, quoted

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node

_REMOVABLE = ("expression_statement", "if_statement", "for_statement", "for_range_loop")


def vary(policy: Policy, _donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Delete a statement of a block, one side of && or ||, or the test of an if; None when that would leave nothing."""
    edits = [*_statements(policy), *_sides(policy)]
    if not edits:
        return None
    edit, words = choose(rng, edits)
    return Change(edited(policy.source, [edit]), words)


def _statements(policy: Policy) -> list[tuple[Edit, str]]:
    found = []
    for block in (node for node in walk(policy.body) if node.type == "compound_statement"):
        for node in block.named_children:
            alone = block.id == policy.body.id and len(policy.statements) == 1
            if node.type in _REMOVABLE and not alone and not _last_answer(node, policy):
                found.append(((node.start_byte, node.end_byte, ""), f"without {quoted(node)}"))
    return found


def _last_answer(node: Node, policy: Policy) -> bool:
    """Whether the function ends with this statement and must return something."""
    return policy.result != "void" and node.id == policy.statements[-1].id


def _sides(policy: Policy) -> list[tuple[Edit, str]]:
    found = []
    for node in walk(policy.body):
        if node.type == "binary_expression" and text(field(node, "operator")) in ("&&", "||"):
            for kept, gone in (("left", "right"), ("right", "left")):
                edit = (node.start_byte, node.end_byte, text(field(node, kept)))
                found.append((edit, f"without {quoted(field(node, gone))}"))
    return found
