"""Lifts a constant of the code into a tunable number around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text
from slotforge.solvers.sat.vary.draw import Change, choose, formatted, step
from slotforge.solvers.sat.vary.graft import param, plant
from slotforge.solvers.sat.vary.kinds import COMPARISONS, Kinds
from slotforge.solvers.sat.vary.policy import Policy, field, number, where

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node


def vary(policy: Policy, _donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Make a constant a SLOT_PARAM between a quarter and four times of it, and move it; None when there is none."""
    kinds = Kinds(policy)
    nodes = [node for node in kinds.expressions() if node.type == "number_literal" and _may_be_real(node, kinds)]
    if not nodes:
        return None
    node = choose(rng, nodes)
    value = number(text(node)) or 1.0
    low, high = sorted((value / 4, value * 4))
    new = formatted(step(value, low, high, rng), low, high, False)
    lifted = param(policy, "constant", new, formatted(low, low, low, False), formatted(high, high, high, False))
    return Change(
        plant(policy, lifted, node.start_byte, node.end_byte), f"{new} for {text(node)}{where(node)}, now tunable"
    )


def _may_be_real(node: Node, kinds: Kinds) -> bool:
    """Whether a real number may stand for a constant: as far up as its type is felt, nothing needs an integer."""
    if not number(text(node)):
        return False
    if kinds.kind(node) == "double":
        above = node.parent
        return above is not None and above.type != "argument_list"
    child, above = node, node.parent
    while above is not None and above.type in ("binary_expression", "parenthesized_expression"):
        if above.type == "binary_expression":
            operator = text(field(above, "operator"))
            if operator in COMPARISONS:
                return True
            if operator not in ("+", "-", "*"):
                return False
            other = field(above, "left" if field(above, "right").id == child.id else "right")
            if kinds.kind(other) == "double":
                return True
        child, above = above, above.parent
    return above is not None and above.type == "return_statement" and child.id != node.id
