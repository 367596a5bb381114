"""A landscape that is flat: all candidates are equally good but for luck. For tests of what statistics promise.

A family says by how much its candidates truly beat the baseline, and how luck is spread over its instances:
`level:gain=0.1:noise=0.2:shape=normal`.
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

    gain: by which their cost is below the baseline's: 0.1 is a tenth less.
    noise: standard deviation of the logarithm of the ratio on an instance.
    shape: of this noise, one of `SHAPES`.
    """

    gain: float = 0.0
    noise: float = 0.2
    shape: str = "normal"

    @property
    def spec(self) -> str:
        """The name of the family."""
        return f"level:gain={self.gain}:noise={self.noise}:shape={self.shape}"


@cache
def family(spec: str) -> Family:
    """Read the name of a family."""
    facts = dict(part.split("=") for part in spec.split(":")[1:])
    return Family(gain=float(facts["gain"]), noise=float(facts["noise"]), shape=facts["shape"])


class Level(Landscape):
    """All policies but the default have the same gain, and luck of their own on every instance."""

    name = NAME

    def cost(self, candidate: Candidate, instance: Instance, seed: int) -> float:
        """Return the cost: the baseline's, less the gain, times luck."""
        own = family(instance.family)
        scale = generator(instance.id).normal()
        if not candidate.slots:
            return math.ceil(1e6 * math.exp(scale))
        luck = own.noise * SHAPES[own.shape](generator(instance.id, seed, candidate.id))
        return math.ceil(1e6 * math.exp(scale + luck) * (1 - own.gain))


domain = Level
