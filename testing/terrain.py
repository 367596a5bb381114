"""Landscapes of several kinds: policies are strings of digits, and what varies them writes as a model would in kind.

A family is one landscape: `terrain:kind=rugged:seed=3`. The proposals are what a model's are in kind: a fresh policy is
unlike what stands there, an improvement is close to its parent, and a crossover takes from all that it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import Generator

from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Instance, Measurement, Number, Request, Slot, Terms
from slotforge.prompts.render import akin
from slotforge.testing.landscape import Landscape

NAME = "slotforge.testing.terrain"
SLOTS = ("a", "b", "c", "d")
DIGITS, BASE = 6, 8
DEFAULT = "3" * DIGITS
NOISE = 0.1  # standard deviation of the log cost on an instance that is no candidate's merit
SLIPS = 0.1  # of the proposals do not compile
DEPTH = 2.0  # the optimum costs exp(-DEPTH) times what the worst does, or less
BROKEN = "?"

Digits = np.ndarray  # slots by places
Height = Callable[[Digits], float]


def smooth(rng: Generator) -> Height:
    """Each digit has its own best value, and counts by its distance from that."""
    best = rng.integers(BASE, size=(len(SLOTS), DIGITS))
    return lambda digits: float(np.abs(digits - best).mean() / (BASE - 1))


def sparse(rng: Generator) -> Height:
    """One slot matters, and the others do nothing."""
    slot, best = int(rng.integers(len(SLOTS))), rng.integers(BASE, size=DIGITS)
    return lambda digits: float(np.abs(digits[slot] - best).mean() / (BASE - 1))


def plateau(rng: Generator) -> Height:
    """As smooth, but in steps: most small changes change nothing."""
    inner = smooth(rng)
    return lambda digits: math.ceil(24 * inner(digits)) / 24


def rugged(rng: Generator) -> Height:
    """An NK landscape (Kauffman and Levin 1987): what a digit is worth depends on the next two of its slot."""
    table = rng.random((len(SLOTS), DIGITS, BASE, BASE, BASE))
    slot, place = np.indices((len(SLOTS), DIGITS))
    return lambda d: float(table[slot, place, d, np.roll(d, -1, axis=1), np.roll(d, -2, axis=1)].mean())


def deceptive(rng: Generator) -> Height:
    """In each slot the way down leads away from the optimum, which is a hole (a trap: Deb and Goldberg 1993)."""
    best = rng.integers(BASE, size=(len(SLOTS), DIGITS))

    def height(digits: Digits) -> float:
        near = (np.abs(digits - best) <= 1).sum(axis=1)
        return float(np.where(near == DIGITS, 0.0, 0.4 + 0.6 * near / (DIGITS - 1)).mean())

    return height


def epistatic(rng: Generator) -> Height:
    """Each digit must fit the one at its place in the next slot: slots are of no use alone."""
    sums = rng.integers(BASE, size=(len(SLOTS), DIGITS))

    def height(digits: Digits) -> float:
        off = (digits + np.roll(digits, -1, axis=0) - sums) % BASE
        return float(np.minimum(off, BASE - off).mean() / (BASE // 2))

    return height


KINDS: Mapping[str, Callable[[Generator], Height]] = {
    kind.__name__: kind for kind in (smooth, rugged, deceptive, epistatic, plateau, sparse)
}


@lru_cache(maxsize=64)
def height_of(family: str) -> Height:
    """Make the landscape that a family names: 0 is the lowest that it can reach, and 1 the highest."""
    facts = dict(part.split("=") for part in family.split(":")[1:])
    return KINDS[facts["kind"]](generator("terrain", facts["kind"], int(facts["seed"])))


@lru_cache(maxsize=256)
def _height(policies: str, family: str) -> float:
    return height_of(family)(np.array([_digits(policy) for policy in policies.split()]))


class Terrain(Landscape):
    """Four slots, each a string of six digits below 8."""

    name = NAME
    terms = Terms(least=0.0, tunes=False)

    def slots(self) -> Mapping[str, Slot]:
        """Four slots without variants besides the default."""
        return {
            name: Slot(
                name=name,
                summary="six digits",
                contract="six digits from 0 to 7",
                signature="digits",
                default=DEFAULT,
                variants={"Default": DEFAULT},
            )
            for name in SLOTS
        }

    def describe(self, families: Sequence[str]) -> str:  # noqa: ARG002
        """Tell what a policy is."""
        return "A policy is a string of six digits from 0 to 7."

    def searched(self, specs: Sequence[str]) -> Sequence[str]:  # noqa: ARG002
        """All of them."""
        return SLOTS

    def check(self, candidate: Candidate) -> str | None:
        """Refuse what is no string of digits."""
        for slot, source in candidate.slots.items():
            text = source.strip()
            if len(text) != DIGITS or any(digit not in "01234567" for digit in text):
                return f"{slot}: does not compile"
        return None

    def key(self, candidate: Candidate) -> str:
        """Put the digits together."""
        return " ".join(candidate.slots.get(slot, DEFAULT).strip() for slot in SLOTS)

    def vary(self, request: Request, rng: Generator) -> Mapping[str, str]:
        """Write what a model would in kind; now and then it does not compile."""
        write = WRITERS[akin(request.operator)]
        written = {}
        for slot in request.slots:
            shown = [_digits(parent.slots.get(slot, DEFAULT)) for parent in request.parents]
            written[slot] = "".join(map(str, write(shown or [_digits(DEFAULT)], rng)))
        if rng.random() < SLIPS:
            written[request.slots[0]] = BROKEN
        return written

    def numbers(self, candidate: Candidate) -> Mapping[str, Number]:  # noqa: ARG002
        """There are none: digits are the rule itself."""
        return {}

    def with_numbers(self, candidate: Candidate, values: Mapping[str, float]) -> Candidate:  # noqa: ARG002
        """Leave it as it is."""
        return candidate

    def behaviour(
        self,
        candidate: Candidate,
        measurements: Sequence[Measurement],  # noqa: ARG002
        reference: Sequence[Measurement],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Give the mean digit of the first two slots."""
        return {slot: float(_digits(candidate.slots.get(slot, DEFAULT)).mean() / (BASE - 1)) for slot in SLOTS[:2]}

    def cost(self, candidate: Candidate, instance: Instance, seed: int) -> float:
        """Return the cost: the landscape, with noise of candidate and instance; that of the default has none."""
        luck = generator(instance.id, seed, candidate.id).normal(0, NOISE) if candidate.slots else 0.0
        return math.ceil(1e9 * math.exp(DEPTH * self.true_height(candidate, instance.family) + luck))

    def true_height(self, candidate: Candidate, family: str) -> float:
        """Return where a candidate stands without luck."""
        return _height(self.key(candidate), family)

    def true_ratio(self, candidate: Candidate, family: str) -> float:
        """Return its cost over the default's without luck."""
        default = Candidate(domain=self.name)
        return math.exp(DEPTH * (self.true_height(candidate, family) - self.true_height(default, family)))

    def environment(self) -> Mapping[str, Any]:
        """Nothing matters here."""
        return {"terrain": "1"}


def _digits(text: str) -> Digits:
    return np.array([int(digit) for digit in text.strip()])


def fresh(shown: Sequence[Digits], rng: Generator) -> Digits:  # noqa: ARG001
    """Write something new."""
    return rng.integers(BASE, size=DIGITS)


def near(shown: Sequence[Digits], rng: Generator) -> Digits:
    """Change one or two digits of the first parent by a little, rarely one by much."""
    digits = shown[0].copy()
    for place in rng.choice(DIGITS, size=1 + int(rng.random() < 0.5), replace=False):
        step = int(rng.integers(1, 3)) * (1 if rng.random() < 0.5 else -1)
        digits[place] = rng.integers(BASE) if rng.random() < 0.2 else min(max(int(digits[place]) + step, 0), BASE - 1)
    return digits


def mixed(shown: Sequence[Digits], rng: Generator) -> Digits:
    """Take each digit from one of the parents, and change a little in half of the cases."""
    stack = np.stack(shown)
    digits = stack[rng.integers(len(stack), size=DIGITS), np.arange(DIGITS)]
    return near([digits], rng) if len(shown) == 1 or rng.random() < 0.5 else digits


WRITERS: Mapping[str, Callable[[Sequence[Digits], Generator], Digits]] = {
    "fresh": fresh,
    "mutate": near,
    "crossover": mixed,
}

domain = Terrain
