"""Inserts a guard: in some state of the search the policy answers at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text, walk
from slotforge.solvers.sat.vary.conditions import any_state
from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.graft import Graft, join, plant, take
from slotforge.solvers.sat.vary.policy import Policy, identifiers

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node


def vary(policy: Policy, donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Insert `if (state) return answer;` at the start or before a statement of the call operator."""
    answer = _answer(policy, donors, rng)
    if answer is None or not policy.arguments[0]:
        return None
    condition, words = any_state(policy, rng)
    taken = join(condition, answer, code=f"if ({condition.code}) {answer.code}\n")
    place = choose(rng, [policy.statements[0], *policy.statements[:3]])
    said = answer.code.removeprefix("return").strip(" ;")
    return Change(plant(policy, taken, place.start_byte), f"{f'`{said}`' if said else 'nothing'} {words}")


def _answer(policy: Policy, donors: Sequence[Policy], rng: Generator) -> Graft | None:
    """Draw a return statement that stands alone: it uses no local name of the function it comes from."""
    if policy.result == "void":
        return Graft(code="return;")
    if policy.result == "bool" and rng.random() < 0.75:
        return Graft(code=choose(rng, ("return false;", "return true;")))
    found = [(donor, node) for donor in (policy, *donors) for node in _returns(donor)]
    if not found:
        return None
    donor, node = choose(rng, found)
    return take(donor, [node], policy)


def _returns(policy: Policy) -> list[Node]:
    known = {
        *policy.members,
        *policy.arguments,
        "std",
        "luby",
        "infinity",
        "static_cast",
        "uint64_t",
        "uint32_t",
        "size_t",
    }
    found = []
    for node in walk(policy.body):
        if node.type == "return_statement" and len(text(node)) < 60:
            used = {name for name in identifiers([node]) if name not in known}
            if all(f"std::{name}" in text(node) for name in used):
                found.append(node)
    return found
