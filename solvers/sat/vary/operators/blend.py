"""Blends two expressions into a weighted mean with a new tunable weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text
from slotforge.solvers.sat.vary.draw import Change, choose, formatted
from slotforge.solvers.sat.vary.fields import VIEW, twins
from slotforge.solvers.sat.vary.graft import Graft, join, param, plant, take
from slotforge.solvers.sat.vary.kinds import Kinds, enclosed, factor
from slotforge.solvers.sat.vary.policy import Policy, identifiers, quoted

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node


def vary(policy: Policy, donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Replace a real-valued expression x by mix * x + (1 - mix) * y, with y of this or another policy."""
    kinds = Kinds(policy)
    nodes = [node for node in kinds.expressions(policy.body) if kinds.kind(node) == "double"]
    if not nodes:
        return None
    node = choose(rng, nodes)
    others = _others(node, policy, donors)
    if not others:
        return None
    other, words = choose(rng, others)
    mix = param(policy, "mix", formatted(rng.uniform(0.05, 0.95), 0.0, 1.0, False), "0.0", "1.0")
    code = enclosed(node, f"{mix.code} * {factor(node)} + (1 - {mix.code}) * {other.code}")
    return Change(
        plant(policy, join(mix, other, code=code), node.start_byte, node.end_byte),
        f"{quoted(node)} blended with {words}",
    )


def _others(node: Node, policy: Policy, donors: Sequence[Policy]) -> list[tuple[Graft, str]]:
    """Return what an expression can be blended with: fields that measure the same, and other policies' expressions."""
    base, _, path = text(node).partition(".")
    if path in VIEW and base == policy.arguments[0]:
        return [(Graft(code=f"{base}.{twin}"), VIEW[twin].words) for twin in twins(path)]
    found = []
    for donor in donors:
        kinds = Kinds(donor)
        own = {*(param.name for param in donor.params), *donor.arguments}
        for other in kinds.expressions(donor.body):
            if kinds.kind(other) == "double" and other.type != "number_literal" and _portable(other, own):
                graft = take(donor, [other], policy)
                code = factor(other) if not graft.params else f"({graft.code})"
                found.append(
                    (join(graft, code=code if code != text(other) else graft.code), f"{quoted(other)} of {donor.name}")
                )
    return found


def _portable(node: Node, own: set[str]) -> bool:
    """Whether an expression uses no local name and no state of its policy."""
    code = text(node)
    return all(
        name in own or f"std::{name}" in code or name in ("std", "static_cast", "luby") for name in identifiers([node])
    )
