"""Scales an expression by a new tunable number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.vary.draw import Change, choose, formatted, uniform
from slotforge.solvers.sat.vary.graft import param, plant, recoded
from slotforge.solvers.sat.vary.kinds import Kinds
from slotforge.solvers.sat.vary.policy import Policy, field, text

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node

LOOSE = ("+", "-")


def vary(policy: Policy, _donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Multiply a real-valued expression by a SLOT_PARAM between 0.25 and 4; None when there is none."""
    kinds = Kinds(policy)
    nodes = [node for node in kinds.expressions() if node.type != "number_literal" and kinds.kind(node) == "double"]
    if not nodes:
        return None
    node = choose(rng, nodes)
    scale = param(policy, "scale", formatted(uniform(0.25, 4.0, rng), 0.25, 4.0, False), "0.25", "4.0")
    value = scale.params[0].split(", ")[1]
    code = enclosed(node, f"{scale.code} * {factor(node)}")
    return Change(plant(policy, recoded(scale, code), node.start_byte, node.end_byte), f"{short(node)} times {value}")


def factor(node: Node) -> str:
    """Write an expression so that it can be multiplied."""
    loose = node.type == "conditional_expression" or (node.type == "binary_expression" and text(field(node, "operator")) in (*LOOSE, "/"))
    return f"({text(node)})" if loose else text(node)


def enclosed(node: Node, code: str) -> str:
    """Put parentheses around what replaces an operand."""
    above = node.parent
    operand = above is not None and above.type in ("binary_expression", "unary_expression")
    return f"({code})" if operand else code


def short(node: Node) -> str:
    """Quote an expression, or its beginning."""
    code = " ".join(text(node).split())
    return f"`{code}`" if len(code) <= 40 else f"`{code[:37]}...`"
