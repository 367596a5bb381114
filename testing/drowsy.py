"""A landscape whose evaluations take time, and tell nothing that depends on it: for searches that must be alike.

Families are those of `sleepy`. Its counters, which stand in prompts, are left out.
"""

from __future__ import annotations

from slotforge.core.types import Candidate, Instance, Measurement
from slotforge.testing.sleepy import Sleepy

NAME = "slotforge.testing.drowsy"


class Drowsy(Sleepy):
    """The landscape, where each measurement of a candidate sleeps."""

    name = NAME

    def measure(
        self, candidate: Candidate, instance: Instance, *, seed: int, limit: float | None, prove: bool, fused: bool
    ) -> Measurement:
        """Sleep, and measure."""
        made = super().measure(candidate, instance, seed=seed, limit=limit, prove=prove, fused=fused)
        return made.model_copy(update={"stats": {}})


domain = Drowsy
