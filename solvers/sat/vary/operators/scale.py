"""Scales an expression by a new tunable number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.vary.draw import Change, choose, formatted, uniform
from slotforge.solvers.sat.vary.graft import param, plant, recoded
from slotforge.solvers.sat.vary.kinds import Kinds, enclosed, factor
from slotforge.solvers.sat.vary.policy import Policy, quoted

if TYPE_CHECKING:
    from numpy.random import Generator


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
    return Change(plant(policy, recoded(scale, code), node.start_byte, node.end_byte), f"{quoted(node)} times {value}")
