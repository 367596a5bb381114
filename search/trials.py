"""The trials of a run in their order: the last as they are, older ones packed, so that a long search stays small."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import overload

from slotforge.core.types import Trial

RECENT = 200  # so many trials at least are kept as they are; whole blocks
BLOCK = 8  # trials that are packed together: it takes half as long and half the room, and to ask for one unpacks all
UNPACKED = 32  # blocks of older trials that are kept at hand once one of them was asked for


class Trials(Sequence[Trial]):
    """A sequence that grows at its end.

    An old trial is made anew when it is asked for: equal to what it was, but another object. It takes a few hundred
    bytes, for most of what it says of its measurements stands in the first trial as well.
    """

    def __init__(self, first: Trial) -> None:
        """Begin with the trial of the baseline."""
        self._dictionary = pickle.dumps(first)
        self._packed: list[bytes] = []
        self._recent = [first]
        self._old = lru_cache(maxsize=UNPACKED)(self._unpack)

    def append(self, trial: Trial) -> None:
        """Take in the next trial."""
        self._recent.append(trial)
        if len(self._recent) >= 2 * RECENT:
            self._packed += (self._pack(self._recent[at : at + BLOCK]) for at in range(0, RECENT, BLOCK))
            del self._recent[:RECENT]

    def __len__(self) -> int:
        return BLOCK * len(self._packed) + len(self._recent)

    @overload
    def __getitem__(self, place: int) -> Trial: ...
    @overload
    def __getitem__(self, place: slice) -> list[Trial]: ...
    def __getitem__(self, place: int | slice) -> Trial | list[Trial]:
        places = range(len(self))[place]  # as lists do: from the end where negative, and an IndexError beyond
        packed = len(self) - len(self._recent)
        if isinstance(places, int):
            return self._old(places // BLOCK)[places % BLOCK] if places < packed else self._recent[places - packed]
        if places.step > 0 and places.start >= packed:
            return self._recent[places.start - packed : max(0, places.stop - packed) : places.step]
        return [self[one] for one in places]

    def _pack(self, trials: Sequence[Trial]) -> bytes:
        packer = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS, zdict=self._dictionary)
        return packer.compress(pickle.dumps(trials)) + packer.flush()

    def _unpack(self, block: int) -> Sequence[Trial]:
        unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=self._dictionary)
        trials: Sequence[Trial] = pickle.loads(unpacker.decompress(self._packed[block]))
        return trials
