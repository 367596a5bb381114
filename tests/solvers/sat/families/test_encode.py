"""The shared encodings mean what they say: circuits as integers, cardinality as counting, hashes as published."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysat.solvers import Solver

from slotforge.solvers.sat.families.encode import digest
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.families.encode.circuit import Take, add, anywhere, first, last, less, multiply
from slotforge.solvers.sat.families.encode.cycle import TAPS

TAKES: dict[str, Callable[[int], Take]] = {
    "first": lambda _: first,
    "last": lambda _: last,
    "anywhere": lambda seed: anywhere(np.random.default_rng(seed)),
}
shapes = st.sampled_from(sorted(TAKES))
few = settings(max_examples=60, deadline=None)


def evaluate(builder: Builder, inputs: dict[int, bool], outputs: list[int]) -> int:
    """The value of a word of outputs under inputs; the circuit leaves it no other value."""
    with Solver(name="minisat22", bootstrap_with=builder.clauses) as solver:
        assumptions = [x if value else -x for x, value in inputs.items()]
        assert solver.solve(assumptions=assumptions)
        model = set(solver.get_model())
        assert not any(solver.solve(assumptions=[*assumptions, -x if x in model else x]) for x in outputs)
    return sum(1 << bit for bit, x in enumerate(outputs) if x in model)


def assign(word: list[int], value: int) -> dict[int, bool]:
    return {x: bool(value >> bit & 1) for bit, x in enumerate(word)}


@few
@given(st.integers(1, 6), st.integers(1, 6), shapes, st.integers(0, 9), st.data())
def test_a_multiplier_multiplies_in_every_shape(m: int, n: int, shape: str, seed: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, 2**m - 1)), data.draw(st.integers(0, 2**n - 1))
    builder = Builder()
    a, b = builder.word(m), builder.word(n)
    result = multiply(builder, a, b, TAKES[shape](seed))
    assert evaluate(builder, assign(a, x) | assign(b, y), result) == x * y


@few
@given(st.lists(st.integers(0, 255), min_size=1, max_size=5), st.integers(1, 12), shapes, st.integers(0, 9))
def test_an_adder_adds_modulo_its_width(values: list[int], width: int, shape: str, seed: int) -> None:
    builder = Builder()
    words = [builder.word(8) for _ in values]
    result = add(builder, words, width, TAKES[shape](seed))
    inputs = {x: v for word, value in zip(words, values, strict=True) for x, v in assign(word, value).items()}
    assert evaluate(builder, inputs, result) == sum(values) % (1 << width)


@few
@given(st.integers(0, 63), st.integers(0, 255))
def test_less_compares_words_of_different_width(x: int, y: int) -> None:
    builder = Builder()
    a, b = builder.word(6), builder.word(8)
    result = [less(builder, a, b), less(builder, b, a)]
    assert evaluate(builder, assign(a, x) | assign(b, y), result) == (x < y) + 2 * (y < x)


@few
@given(st.integers(1, 9), st.integers(-1, 10), st.sampled_from(["at_most", "at_least", "exactly"]))
def test_cardinality_agrees_with_counting(count: int, bound: int, kind: str) -> None:
    builder = Builder()
    literals = builder.word(count)
    getattr(builder, kind)(literals, bound)
    allowed = {"at_most": int.__le__, "at_least": int.__ge__, "exactly": int.__eq__}[kind]
    with Solver(name="minisat22", bootstrap_with=builder.clauses) as solver:
        for values in product((False, True), repeat=count):
            picked = [x if value else -x for x, value in zip(literals, values, strict=True)]
            assert solver.solve(assumptions=picked) == allowed(sum(values), bound)


@pytest.mark.parametrize("gate", ["conjunction", "disjunction", "xor", "xor3", "majority", "choose"])
def test_gates_are_right_on_variables_constants_repeats_and_complements(gate: str) -> None:
    meaning: dict[str, Callable[..., bool]] = {
        "conjunction": lambda *v: all(v),
        "disjunction": lambda *v: any(v),
        "xor": lambda a, b: a != b,
        "xor3": lambda a, b, c: a ^ b ^ c,
        "majority": lambda a, b, c: a + b + c > 1,
        "choose": lambda c, a, b: a if c else b,
    }
    arity = 2 if gate == "xor" else 3
    builder = Builder()
    x, y, z = builder.word(3)
    pool = [x, -x, y, -y, z, builder.true, -builder.true]
    cases = [(inputs, getattr(builder, gate)(*inputs)) for inputs in product(pool, repeat=arity)]
    with Solver(name="minisat22", bootstrap_with=builder.clauses) as solver:
        for values in product((False, True), repeat=3):
            now = assign([x, y, z], sum(v << i for i, v in enumerate(values))) | {builder.true: True}
            assert solver.solve(assumptions=[v if now[v] else -v for v in (x, y, z)])
            model = set(solver.get_model())
            for inputs, output in cases:
                truth = [now[abs(i)] == (i > 0) for i in inputs]
                assert (output in model) == meaning[gate](*truth), (inputs, values)


@pytest.mark.parametrize("degree", sorted(TAPS))
def test_every_register_walks_through_all_its_states(degree: int) -> None:
    state, steps = 1, 0
    while True:
        feedback = sum(state >> (tap - 1) for tap in TAPS[degree]) & 1
        state, steps = (state << 1 & (1 << degree) - 1) | feedback, steps + 1
        if state == 1:
            break
    assert steps == 2**degree - 1


def padded(message: bytes, order: str) -> list[int]:
    block = (message + b"\x80").ljust(56, b"\0") + (8 * len(message)).to_bytes(8, order)  # type: ignore[arg-type]
    return [int.from_bytes(block[i : i + 4], order) for i in range(0, 64, 4)]  # type: ignore[arg-type]


def hashed(function: digest.Digest, words: list[int], steps: int) -> list[int]:
    builder = Builder()
    state = function(builder, [builder.constant(word, 32) for word in words], steps)
    return [(builder.value(x) + start) % 2**32 for x, start in zip(state, digest.INITIAL, strict=False)]


@pytest.mark.parametrize("message", [b"", b"abc", b"the quick brown fox"])
def test_sha1_circuits_compute_sha1(message: bytes) -> None:
    result = hashed(digest.sha1, padded(message, "big"), 80)
    assert b"".join(word.to_bytes(4, "big") for word in result) == hashlib.sha1(message).digest()


@pytest.mark.parametrize(
    ("message", "expected"),
    [  # RFC 1320, appendix A.5
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"message digest", "d9130a8164549fe818874806e1c7014b"),
    ],
)
def test_md4_circuits_compute_md4(message: bytes, expected: str) -> None:
    result = hashed(digest.md4, padded(message, "little"), 48)
    assert b"".join(word.to_bytes(4, "little") for word in result).hex() == expected
