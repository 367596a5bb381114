"""Crosses two policies: the first statements of one, then the last statements of the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.graft import needs, plant, recoded, take

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.solvers.sat.vary.policy import Policy


def vary(policy: Policy, donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Keep the policy's statements up to a cut and end as a donor; None when the policy has but one statement."""
    if not donors or len(policy.statements) < 2:
        return None
    donor = choose(rng, donors)
    cut = policy.statements[int(rng.integers(1, len(policy.statements)))]
    first = int(rng.integers(0, len(donor.statements)))
    graft = take(donor, needs(donor, donor.statements[first:]), policy)
    code = f"{graft.code}\n"
    end = policy.body.end_byte - 1
    return Change(plant(policy, recoded(graft, code), cut.start_byte, end), f"and from there as {donor.name}")
