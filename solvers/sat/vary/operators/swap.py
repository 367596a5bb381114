"""Starts over from another policy, perhaps with other numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.solvers.sat.vary.draw import Change, choose
from slotforge.solvers.sat.vary.operators.numbers import tune

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.solvers.sat.vary.policy import Policy

PLAIN = "as it ships"


def vary(_policy: Policy, donors: Sequence[Policy], rng: Generator) -> Change | None:
    """Take a donor, mostly with some of its numbers changed; None when there is no donor."""
    if not donors:
        return None
    donor = choose(rng, donors)
    if donor.params and rng.random() < 0.9:
        some = [param for param in donor.params if rng.random() < 0.5]
        tuned = tune(donor, some or [choose(rng, donor.params)], donors, rng)
        if tuned is not None:
            return tuned
    return Change(donor.source, PLAIN)
