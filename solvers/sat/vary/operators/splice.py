"""Takes a guarded statement from another policy, with the members, numbers and locals that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text
from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.graft import needs, plant, recoded, take
from slotforge.solvers.sat.vary.policy import Policy, argument_name, argument_nodes, identifiers, leaves

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node

_WRITING = ("if_statement", "for_statement", "for_range_loop")


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
    what = "a guard" if node.type == "if_statement" else "a loop"
    return Change(plant(policy, recoded(graft, code), start), f"with {what} of {donor.name}")


def _parts(donor: Policy) -> list[Node]:
    """Return the statements that can be taken, guards twice since they carry decisions; none that only keeps state."""
    outputs = {argument_name(node) for node in argument_nodes(donor.call) if "span<double>" in text(node)}
    guards = [node for node in donor.statements if node.type == "if_statement" and "return" in map(text, leaves(node))]
    writers = [node for node in donor.statements if node.type in _WRITING and identifiers([node]) & outputs]
    return [*guards, *guards, *writers]
