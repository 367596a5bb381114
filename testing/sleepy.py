"""A landscape whose evaluations take time and no processor: for measuring how busy workers are kept.

A family says how long: `sleepy:seconds=2.0:spread=0.5` sleeps between 1 and 3 seconds for a block of measurements.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Completion, Instance, Measurement, Request
from slotforge.testing.landscape import Landscape

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.core.seams import Proposer
    from slotforge.core.types import Prompt

NAME = "slotforge.testing.sleepy"


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long something takes.

    seconds: on average.
    spread: the share of it by which it is longer or shorter at most, uniformly.
    """

    seconds: float
    spread: float = 0.0

    @property
    def spec(self) -> str:
        """The family whose evaluations take so long."""
        return f"sleepy:seconds={self.seconds}:spread={self.spread}"

    @classmethod
    def of(cls, spec: str) -> Length:
        """Read the name of a family."""
        facts = dict(part.split("=") for part in spec.split(":")[1:])
        return cls(seconds=float(facts["seconds"]), spread=float(facts["spread"]))

    def draw(self, *key: object) -> float:
        """Return how long it takes this time."""
        return self.seconds * (1 + self.spread * float(generator("sleep", *key).uniform(-1, 1)))


class Sleepy(Landscape):
    """The landscape, where each measurement of a candidate sleeps; when it began and ended is among its counters."""

    name = NAME

    def measure(
        self,
        candidate: Candidate,
        instance: Instance,
        *,
        seed: int,
        limit: float | None,
        prove: bool,
        fused: bool,
    ) -> Measurement:
        """Sleep, and measure."""
        began = time.monotonic()
        if candidate.slots:
            time.sleep(Length.of(instance.family).draw(candidate.id, instance.id))
        made = super().measure(candidate, instance, seed=seed, limit=limit, prove=prove, fused=fused)
        return made.model_copy(update={"stats": {"began_s": began, "ended_s": time.monotonic()}})


@dataclass(frozen=True, kw_only=True)
class SleepyModel:
    """Lets a proposer answer late."""

    inner: Proposer
    length: Length

    async def complete(self, prompt: Prompt, request: Request, rng: Generator) -> Completion:
        """Wait, and answer."""
        await asyncio.sleep(self.length.draw(prompt.id))
        return await self.inner.complete(prompt, request, rng)


domain = Sleepy
