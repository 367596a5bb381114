"""Python's collector of cycles, kept off what was there before: all that is imported is most of what it walks over."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

ALIVE = 10_000  # objects that came since, at which to look; Python's 700 are what a few trials take for a while
LONG = 1_000  # trials of a search that is worth looking through everything once for what is garbage already


@contextmanager
def only_what_comes(trials: int | None) -> Iterator[None]:
    """Look for garbage among what is made from here on alone, and more rarely, until the block ends.

    trials: of the search, at most; None is no limit. A short one keeps what is garbage already as long as it takes.
    """
    if trials is None or trials >= LONG:
        gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(ALIVE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
