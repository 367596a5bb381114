"""Takes a guarded statement from another policy, with the members, numbers and locals that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.graft import needs, plant, recoded, take
from slotforge.solvers.sat.vary.policy import Policy

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node

_PARTS = ("if_statement", "for_statement", "for_range_loop", "expression_statement")


def vary(policy: Policy, donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Insert a statement of a donor before a statement of the policy; None when no donor has one."""
    found = [(donor, node) for donor in donors for node in _parts(donor)]
    if not found:
        return None
    donor, node = choose(rng, found)
    graft = take(donor, needs(donor, [node]), policy)
    place = choose(rng, policy.statements[:4])
    after = policy.result == "void" and rng.random() < 0.5
    start = policy.statements[-1].end_byte if after else place.start_byte
    code = f"\n{graft.code}" if after else f"{graft.code}\n"
    what = {"if_statement": "a guard", "expression_statement": "a step"}.get(node.type, "a loop")
    return Change(plant(policy, recoded(graft, code), start), f"with {what} of {donor.name}")


def _parts(donor: Policy) -> list[Node]:
    """Return the statements that can be taken: guards twice, since they carry decisions."""
    parts = [node for node in donor.statements if node.type in _PARTS]
    return parts + [node for node in parts if node.type == "if_statement"]
