"""Bounded model checking of small transition systems, unrolled for a number of steps.

Source: Biere, Cimatti, Clarke and Zhu, "Symbolic model checking without BDDs", TACAS 1999. A formula is satisfiable
when some run reaches a bad state. Two systems are correct, so every bound is unsatisfiable: `fifo`, a ring buffer
with random pointer codes and a random linear storage code against a shift register, and `arbiter`, a round-robin
arbiter that must not starve a request. Two reach a bad state by a hidden run, so they are satisfiable: `counter`, which
must reach a value with its choice of increments, and `lfsr`, a combined shift-register generator that must repeat a
stretch of its output. Effort grows with steps, then with width and scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula, Status
from slotforge.solvers.sat.families import Family, Parameter, choice, size
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.families.encode.circuit import add
from slotforge.solvers.sat.families.encode.cycle import TAPS


@dataclass(frozen=True, kw_only=True)
class BoundedModelChecking(Family):
    """Unrolled transition systems.

    steps: number of steps.
    scale: bits of the fifo's pointers, of the counter or of each shift register; requests of the arbiter.
    width: bits of the fifo's data; number of increments of the counter and of shift registers.
    system: which system.
    """

    steps: int = size(12, 1, 1000)
    scale: int = size(2, 1, 64)
    width: int = size(2, 1, 64)
    system: str = choice("fifo", "arbiter", "counter", "lfsr")

    small: ClassVar[Mapping[str, Parameter]] = {"steps": 5}

    def conflict(self) -> str | None:
        limits = {"fifo": (1, 6), "arbiter": (2, 64), "counter": (2, 60), "lfsr": (3, 16)}
        low, high = limits[self.system]
        return None if low <= self.scale <= high else f"scale={self.scale}; {self.system} takes {low} to {high}"

    def formula(self, rng: Generator) -> Formula:
        builder = Builder()
        bad = _SYSTEMS[self.system](builder, self, rng)
        builder.add(*bad)
        return builder.formula(_STATUS[self.system])


def _fifo(builder: Builder, family: BoundedModelChecking, rng: Generator) -> list[int]:
    depth, width = 1 << family.scale, family.width
    ring = _Ring(builder, family.scale, width, rng)
    shift = [builder.constant(0, width) for _ in range(depth)]
    used = builder.constant(0, depth)
    bad = []
    for _ in range(family.steps):
        bad.append(builder.xor(ring.empty, -used[0]))
        bad.append(builder.xor(ring.full, used[-1]))
        bad += [builder.conjunction(used[0], builder.xor(x, y)) for x, y in zip(ring.head(), shift[0], strict=True)]
        push, pop, data = builder.fresh(), builder.fresh(), builder.word(width)
        ring.step(push, pop, data)
        push, pop = builder.conjunction(push, -used[-1]), builder.conjunction(pop, used[0])
        shift = [_select(builder, pop, b, a) for a, b in zip(shift, [*shift[1:], shift[-1]], strict=True)]
        left = [builder.choose(pop, b, a) for a, b in zip(used, [*used[1:], -builder.true], strict=True)]
        used = [builder.choose(push, b, a) for a, b in zip(left, [builder.true, *left[:-1]], strict=True)]
        shift = [
            _select(builder, builder.conjunction(push, -old, new), data, cell)
            for cell, old, new in zip(shift, left, used, strict=True)
        ]
    return bad


class _Ring:
    """A ring buffer; its pointers walk a random sequence of codes, and its cells hold a random linear image."""

    def __init__(self, builder: Builder, bits: int, width: int, rng: Generator) -> None:
        self.builder = builder
        self.codes = [[bool(int(code) >> bit & 1) for bit in range(bits)] for code in rng.permutation(1 << bits)]
        self.matrix, self.inverse = _invertible(width, rng)
        self.read = self.write = [builder.true if bit else -builder.true for bit in self.codes[0]]
        self.cells = [builder.constant(0, width) for _ in self.codes]
        self.empty, self.full = builder.true, -builder.true

    def head(self) -> list[int]:
        """The oldest datum."""
        at = self._decode(self.read)
        planes = zip(*self.cells, strict=True)
        image = [_any_of(self.builder, at, plane) for plane in planes]
        return _linear(self.builder, self.inverse, image)

    def step(self, push: int, pop: int, data: list[int]) -> None:
        """Take at most one datum out and one in; a push into a full and a pop from an empty buffer are ignored."""
        builder = self.builder
        push, pop = builder.conjunction(push, -self.full), builder.conjunction(pop, -self.empty)
        image = _linear(builder, self.matrix, data)
        at = self._decode(self.write)
        self.cells = [
            _select(builder, builder.conjunction(push, a), image, cell) for a, cell in zip(at, self.cells, strict=True)
        ]
        self.read, self.write = self._advance(self.read, pop), self._advance(self.write, push)
        same = -builder.disjunction(*(builder.xor(x, y) for x, y in zip(self.read, self.write, strict=True)))
        grew, shrank = builder.conjunction(push, -pop), builder.conjunction(pop, -push)
        was_full = self.full
        self.full = builder.conjunction(same, builder.disjunction(grew, builder.conjunction(was_full, -shrank)))
        self.empty = builder.conjunction(same, -self.full)

    def _decode(self, pointer: list[int]) -> list[int]:
        signed = [[x if bit else -x for x, bit in zip(pointer, code, strict=True)] for code in self.codes]
        return [self.builder.conjunction(*literals) for literals in signed]

    def _advance(self, pointer: list[int], move: int) -> list[int]:
        at = self._decode(pointer)
        following = self.codes[1:] + self.codes[:1]
        after = [
            self.builder.disjunction(*(a for a, code in zip(at, following, strict=True) if code[bit]))
            for bit in range(len(pointer))
        ]
        return _select(self.builder, move, after, pointer)


def _arbiter(builder: Builder, family: BoundedModelChecking, rng: Generator) -> list[int]:
    """Grant the first request after the holder of the token, who then is the one granted; start anywhere."""
    count = family.scale
    token = builder.word(count)
    builder.exactly_one([token[i] for i in rng.permutation(count)])
    waiting = [[-builder.true] * count for _ in range(count)]
    bad = []
    for _ in range(family.steps):
        request = builder.word(count)
        carry = token
        grant = [-builder.true] * count
        for _round in range(count):
            carry = [carry[i - 1] for i in range(count)]
            won = [builder.conjunction(c, r) for c, r in zip(carry, request, strict=True)]
            grant = [builder.disjunction(g, w) for g, w in zip(grant, won, strict=True)]
            carry = [builder.conjunction(c, -r) for c, r in zip(carry, request, strict=True)]
        bad += [builder.conjunction(a, b) for i, a in enumerate(grant) for b in grant[i + 1 :]]
        for i in range(count):
            starved = builder.conjunction(request[i], -grant[i])
            waiting[i] = [builder.conjunction(starved, w) for w in [builder.true, *waiting[i][:-1]]]
            bad.append(waiting[i][-1])
        anyone = builder.disjunction(*grant)
        token = _select(builder, anyone, grant, token)
    return bad


def _counter(builder: Builder, family: BoundedModelChecking, rng: Generator) -> list[int]:
    """Add one of several increments in each step; bad is the value that a hidden run ends in."""
    bits = family.scale
    increments = rng.integers(1 << bits, size=(family.steps, family.width))
    hidden = rng.integers(family.width, size=family.steps)
    target = int(np.sum(increments[np.arange(family.steps), hidden]) % (1 << bits))
    state = builder.constant(0, bits)
    for row in increments.tolist():
        picks = builder.word(family.width)
        builder.exactly_one(picks)
        chosen = [builder.disjunction(*(p for p, n in zip(picks, row, strict=True) if n >> i & 1)) for i in range(bits)]
        state = add(builder, [state, chosen], bits)
    return [builder.conjunction(*(x if target >> i & 1 else -x for i, x in enumerate(state)))]


def _lfsr(builder: Builder, family: BoundedModelChecking, rng: Generator) -> list[int]:
    """Registers of scale, scale+1, ... bits; the output is the majority of random triples of bits, one a register."""
    lengths = [3 + (family.scale - 3 + i) % 14 for i in range(family.width)]
    taps = [rng.choice(length, (3,), replace=False) for length in lengths]
    secret = [builder.constant(int(rng.integers(1, 1 << length)), length) for length in lengths]
    observed = _keystream(builder, secret, taps, family.steps)
    states = [builder.word(length) for length in lengths]
    output = _keystream(builder, states, taps, family.steps)
    return [-builder.disjunction(*(builder.xor(x, y) for x, y in zip(observed, output, strict=True)))]


def _keystream(builder: Builder, states: list[list[int]], taps: list[np.ndarray], steps: int) -> list[int]:
    stream = []
    for _ in range(steps):
        bits = [builder.majority(*(state[int(t)] for t in three)) for state, three in zip(states, taps, strict=True)]
        stream.append(reduce(builder.xor, bits))
        states = [[reduce(builder.xor, (s[t - 1] for t in TAPS[len(s)])), *s[:-1]] for s in states]
    return stream


def _select(builder: Builder, condition: int, then: list[int], other: list[int]) -> list[int]:
    return [builder.choose(condition, x, y) for x, y in zip(then, other, strict=True)]


def _any_of(builder: Builder, conditions: Sequence[int], literals: Sequence[int]) -> int:
    return builder.disjunction(*(builder.conjunction(c, x) for c, x in zip(conditions, literals, strict=True)))


def _linear(builder: Builder, matrix: np.ndarray, word: list[int]) -> list[int]:
    zero = -builder.true
    return [reduce(builder.xor, (x for x, used in zip(word, row, strict=True) if used), zero) for row in matrix]


def _invertible(width: int, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw an invertible matrix over GF(2) and its inverse, as a product of random row additions."""
    matrix = np.eye(width, dtype=np.int64)
    inverse = matrix.copy()
    for _ in range(2 * width if width > 1 else 0):
        i, j = rng.choice(width, 2, replace=False)
        matrix[i] ^= matrix[j]
        inverse[:, j] ^= inverse[:, i]
    return matrix, inverse


System = Callable[[Builder, BoundedModelChecking, Generator], list[int]]
_SYSTEMS: dict[str, System] = {"fifo": _fifo, "arbiter": _arbiter, "counter": _counter, "lfsr": _lfsr}
_STATUS: dict[str, Status] = {"fifo": "unsat", "arbiter": "unsat", "counter": "sat", "lfsr": "sat"}
