"""Splits by mode or phase of the search: in one part the policy, in the other another, each with its own state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text
from slotforge.solvers.sat.vary.conditions import MODE, PHASES, STATES, draw
from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.graft import Graft, declared_param, join, plant, take
from slotforge.solvers.sat.vary.policy import Policy, field

if TYPE_CHECKING:
    from numpy.random import Generator
    from tree_sitter import Node


def vary(policy: Policy, donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Let the policy and a donor share the work; None when there is no donor or the policy cannot see the search."""
    if not donors or not policy.arguments[0]:
        return None
    how = rng.random()
    condition, words = draw(MODE if how < 0.5 else choose(rng, PHASES if how < 0.8 else STATES), policy, rng)
    donor = choose(rng, donors)
    if rng.random() < 0.5:
        words = "in focused mode" if words == MODE.words else f"not {words}"
        condition = Graft(
            code=f"!({condition.code})" if " " in condition.code else f"!{condition.code}", params=condition.params
        )
    return Change(split(policy, donor, condition), f"{words} as {donor.name}")


def split(policy: Policy, donor: Policy, condition: Graft) -> str:
    """Write a policy that answers as the donor where a condition holds, and as it does itself elsewhere.

    A policy that is split by this very condition gets the donor in place of the part that it has there.
    """
    theirs = take(donor, [donor.body], policy, taken=(declared_param(param) for param in condition.params))
    first, only = policy.statements[0], len(policy.statements) == 1
    if (
        only
        and first.type == "if_statement"
        and text(field(first, "condition")) == f"({condition.code})"
        and _other(first)
    ):
        part = field(first, "consequence")
        return plant(policy, theirs, part.start_byte, part.end_byte)
    code = f"{{\nif ({condition.code}) {theirs.code} else {text(policy.body)}\n}}"
    return plant(policy, join(condition, theirs, code=code), policy.body.start_byte, policy.body.end_byte)


def _other(split: Node) -> Node | None:
    return split.child_by_field_name("alternative")
