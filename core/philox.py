"""Philox by its key alone: with `Philox(key=...)` NumPy also asks the system for a seed that it does not use."""

from __future__ import annotations

import threading
from typing import Any, cast

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from numpy.random.bit_generator import ISeedSequence


class _Given(ISeedSequence):
    """A seed that is the key itself."""

    def __init__(self, words: np.ndarray) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: Any = None) -> np.ndarray:  # noqa: ARG002
        return self._words


def keyed(key: bytes) -> Generator:
    """Make the generator of a key of 16 bytes: that of `Philox(key=...)`, given them as a little-endian number."""
    return Generator(Philox(cast("SeedSequence", _Given(np.frombuffer(key, "<u8"))), counter=_ZEROS))


def first_normal(key: bytes) -> float:
    """Draw what `keyed(key).standard_normal()` draws first, with a generator of this thread's that is made once."""
    _OWN.bits.state = {
        "bit_generator": "Philox",
        "state": {"counter": _ZEROS, "key": np.frombuffer(key, "<u8")},
        "buffer": _ZEROS,
        "buffer_pos": len(_ZEROS),  # all of it is used up
        "has_uint32": 0,
        "uinteger": 0,
    }
    return _OWN.generator.standard_normal()


class _Own(threading.local):
    def __init__(self) -> None:
        self.bits = Philox(0)
        self.generator = Generator(self.bits)


_OWN = _Own()
_ZEROS = np.zeros(4, "<u8")
