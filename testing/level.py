"""A landscape that is flat: all candidates are equally good but for luck. For tests of what statistics promise.

A family says by how much its candidates truly beat the baseline, how luck is spread over its instances, and how many
of these it has: `level:gain=0.1:noise=0.2:shape=normal:share=1.0`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from numpy.random import Generator

from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Instance
from slotforge.testing.landscape import Landscape

NAME = "slotforge.testing.level"

SHAPES: Mapping[str, Callable[[Generator], float]] = {
    "normal": lambda rng: float(rng.normal()),
    "heavy": lambda rng: float(rng.standard_t(3)) / math.sqrt(3),
    "skewed": lambda rng: float(rng.exponential()) - 1,  # mostly a little faster, now and then much slower
}
"""How the logarithm of a ratio spreads over instances; each has mean 0 and variance 1."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """What is true of the candidates of a family.

    gain: by which their cost is below the baseline's: 0.1 is a tenth less, and -0.1 a tenth more.
    noise: standard deviation of the logarithm of the ratio on an instance.
    shape: of this noise, one of `SHAPES`.
    share: of the instances that are asked for of a family.
    """

    gain: float = 0.0
    noise: float = 0.2
    shape: str = "normal"
    share: float = 1.0

    @property
    def spec(self) -> str:
        """The name of the family."""
        return f"level:gain={self.gain}:noise={self.noise}:shape={self.shape}:share={self.share}"


@cache
def family(spec: str) -> Family:
    """Read the name of a family."""
    facts = dict(part.split("=") for part in spec.split(":")[1:])
    return Family(shape=facts.pop("shape"), **{name: float(value) for name, value in facts.items()})


class Level(Landscape):
    """All policies but the default have the same gain, and luck of their own on every instance."""

    name = NAME

    def count(self, spec: str, per_family: int) -> int:
        """Take the share that the family says."""
        return round(per_family * family(spec).share)

    def cost(self, candidate: Candidate, instance: Instance, seed: int) -> float:
        """Return the cost: the baseline's, less the gain, times luck."""
        own = family(instance.family)
        scale = generator(instance.id).normal()
        if not candidate.slots:
            return math.ceil(1e6 * math.exp(scale))
        luck = own.noise * SHAPES[own.shape](generator(instance.id, seed, candidate.id))
        return math.ceil(1e6 * math.exp(scale + luck) * (1 - own.gain))


domain = Level
