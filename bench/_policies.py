"""Random choices of policies and numbers for the engine's slots: built-in variants, extreme values, variations."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from slotforge.core.errors import BuildError
from slotforge.core.ids import generator
from slotforge.core.types import Request
from slotforge.solvers.sat.build import Builder
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import number, params
from slotforge.solvers.sat.vary import vary

if TYPE_CHECKING:
    from numpy.random import Generator

Range = tuple[float, float, float]  # of a number: what it starts with, its least and its greatest value
Pair = tuple[str, str]  # slot, policy
Choice = tuple[str, str, Mapping[str, Range]]  # slot, what --slot takes, its numbers

_REPLACED = 0.4  # chance that a slot that is not forced is replaced
_VARIED = 0.25  # chance that it then gets a variation and no built-in variant
_SET = 0.5  # chance that a number is set
_EDGE = 0.4  # chance that it is then set to one end of its range


@cache
def variants(engine: str) -> Mapping[Pair, Mapping[str, Range]]:
    """Ask the engine for its built-in variants with their numbers, by slot and name."""
    said = subprocess.run([engine, "--list-slots"], capture_output=True, check=True, text=True).stdout
    return {
        (slot, variant): {name: (value, low, high) for name, (value, low, high) in numbers.items()}
        for slot, known in json.loads(said).items()
        for variant, numbers in known.items()
    }


def variations(count: int, *, seed: int, cache: Path) -> Sequence[Choice]:
    """Vary and compile policies, in turn for each slot; a variation may need several tries until one is found.

    Args:
        count: how many.
        seed: of the variations.
        cache: folder for shared objects.
    """
    builder, known = Builder(cache), slots()
    made: list[Choice] = []
    for index in range(count):
        slot = list(known)[index % len(known)]
        for attempt in range(10):
            request = Request(operator="fresh", parents=(), slots=(slot,))
            try:
                source = vary(request, known, generator(seed, "variation", index, attempt))[slot]
                choice = builder.engine_arguments({slot: source})[1].partition("=")[2]
            except BuildError:
                continue
            if os.sep not in choice:  # a built-in variant with other numbers
                continue
            numbers = {param.name: (param.value, param.low, param.high) for param in params(source)}
            made.append((slot, choice, numbers))
            break
    return made


def draw(index: int, rng: Generator, *, engine: str, varied: Sequence[Choice]) -> tuple[list[Pair], list[str]]:
    """Choose a policy for several slots and numbers for them.

    Args:
        index: of the formula; the built-in variants are forced in turn, so that each has its share.
        varied: variations to choose from besides.

    Returns:
        The choices as pairs of slot and policy, and the arguments for the engine.
    """
    known = variants(engine)
    pairs = list(known)
    forced = pairs[index % len(pairs)]
    chosen: list[Choice] = [(*forced, known[forced])]
    for slot in dict.fromkeys(slot for slot, _ in pairs):
        if slot != forced[0] and rng.random() < _REPLACED:
            options = [choice for choice in varied if choice[0] == slot] if rng.random() < _VARIED else []
            options = options or [(*pair, known[pair]) for pair in pairs if pair[0] == slot]
            chosen.append(options[int(rng.integers(len(options)))])
    arguments = [f"--slot={slot}={policy}" for slot, policy, _ in chosen]
    for slot, _, numbers in chosen:
        set_ = [(name, _value(*limits, rng)) for name, limits in numbers.items() if rng.random() < _SET]
        arguments += [f"--param={slot}.{name}={number(value)}" for name, value in set_]
    return [(slot, policy) for slot, policy, _ in chosen], [*arguments, f"--seed={int(rng.integers(4))}"]


def _value(value: float, low: float, high: float, rng: Generator) -> float:
    """Draw a number: an end of its range, close to what it starts with, or anywhere."""
    if rng.random() < _EDGE:
        return low if rng.random() < 0.6 else high
    if rng.random() < 0.5:
        return min(max(value * float(rng.lognormal(0, 1)), low), high)
    return float(rng.uniform(low, high))
