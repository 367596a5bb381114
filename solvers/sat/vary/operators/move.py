"""Moves a guard: what is asked first is asked later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.source import text
from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.policy import Policy, edited, identifiers, locals_of

if TYPE_CHECKING:
    from numpy.random import Generator


def vary(policy: Policy, _donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Exchange two neighbouring statements of which neither declares what the other uses; None without such a pair."""
    pairs = [
        (first, second)
        for first, second in zip(policy.statements, policy.statements[1:], strict=False)
        if second.type != "return_statement"
        and not (locals_of([first]) & identifiers([second]))
        and not (first.type == second.type == "declaration")
    ]
    if not pairs:
        return None
    first, second = choose(rng, pairs)
    edits = [(first.start_byte, first.end_byte, text(second)), (second.start_byte, second.end_byte, text(first))]
    return Change(edited(policy.source, edits), "with two steps exchanged")
