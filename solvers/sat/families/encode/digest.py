"""The step functions of MD4 (RFC 1320) and SHA-1 (FIPS 180-4) as circuits on 32-bit words.

With constant words every gate folds, so the same code computes digests and encodes their inversion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numpy.random import Generator

from slotforge.solvers.sat.cnf import Formula
from slotforge.solvers.sat.families.encode.builder import Builder
from slotforge.solvers.sat.families.encode.circuit import add, equal

Word = Sequence[int]
Digest = Callable[[Builder, Sequence[Word], int], list[Word]]
Gate = Callable[[Builder, int, int, int], int]

BITS = 32
BLOCK = 16
INITIAL = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)

_MD4_GATES: tuple[Gate, ...] = (Builder.choose, Builder.majority, Builder.xor3)
_MD4_ADDENDS = (0, 0x5A827999, 0x6ED9EBA1)
_MD4_ROTATIONS = ((3, 7, 11, 19), (3, 5, 9, 13), (3, 9, 11, 15))
_MD4_ORDER = (
    tuple(range(16)),
    (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
    (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
)
_SHA1_GATES: tuple[Gate, ...] = (Builder.choose, Builder.xor3, Builder.majority, Builder.xor3)
_SHA1_ADDENDS = (0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6)


def rotate(word: Word, places: int) -> list[int]:
    """Rotate a word to the left."""
    places %= len(word)
    return [*word[len(word) - places :], *word[: len(word) - places]]


def md4(builder: Builder, message: Sequence[Word], steps: int) -> list[Word]:
    """Give the chaining words after the first `steps` (of 48) steps of MD4, without the final addition."""
    a, b, c, d = (builder.constant(value, BITS) for value in INITIAL[:4])
    for step in range(steps):
        stage, position = divmod(step, BLOCK)
        mixed = [_MD4_GATES[stage](builder, *bits) for bits in zip(b, c, d, strict=True)]
        addend = builder.constant(_MD4_ADDENDS[stage], BITS)
        total = add(builder, [a, mixed, message[_MD4_ORDER[stage][position]], addend], BITS)
        a, b, c, d = d, rotate(total, _MD4_ROTATIONS[stage][position % 4]), b, c
    return [a, b, c, d]


def sha1(builder: Builder, message: Sequence[Word], steps: int) -> list[Word]:
    """Give the chaining words after the first `steps` (of 80) steps of SHA-1, without the final addition."""
    schedule = list(message)
    for step in range(BLOCK, steps):
        taps = (schedule[step - back] for back in (3, 8, 14, 16))
        schedule.append(rotate([builder.xor3(x, y, builder.xor(z, w)) for x, y, z, w in zip(*taps, strict=True)], 1))
    a, b, c, d, e = (builder.constant(value, BITS) for value in INITIAL)
    for step in range(steps):
        stage = step // 20
        mixed = [_SHA1_GATES[stage](builder, *bits) for bits in zip(b, c, d, strict=True)]
        addend = builder.constant(_SHA1_ADDENDS[stage], BITS)
        a, b, c, d, e = add(builder, [rotate(a, 5), mixed, e, schedule[step], addend], BITS), a, rotate(b, 30), c, d
    return [a, b, c, d, e]


def preimage(digest: Digest, steps: int, known: int, rng: Generator) -> Formula:
    """Ask for a message with the digest of a random one; satisfiable, because that one is an answer.

    Args:
        digest: the hash function.
        steps: number of its steps.
        known: number of the random message's bits that are given, from the first on; of 512.
        rng: draws the message.
    """
    builder = Builder()
    values = [int(x) for x in rng.integers(1 << BITS, size=BLOCK)]
    secret = [builder.constant(value, BITS) for value in values]
    target = digest(builder, secret, steps)
    message = [builder.word(BITS) for _ in range(BLOCK)]
    given = [(x, y) for word, value in zip(message, secret, strict=True) for x, y in zip(word, value, strict=True)]
    for x, y in given[:known]:
        equal(builder, [x], [y])
    for word, wanted in zip(digest(builder, message, steps), target, strict=True):
        equal(builder, word, wanted)
    return builder.formula("sat")
