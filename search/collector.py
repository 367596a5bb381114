"""Python's collector of cycles, kept off what was there before: all that is imported is most of what it walks over."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

ALIVE = 10_000  # objects that came since, at which to look; Python's 700 are what a few trials take for a while
LONG = 1_000  # trials of a search that gains more by it than it costs to look through everything once


@contextmanager
def only_what_comes(trials: int | None) -> Iterator[None]:
    """Look for garbage among what is made from here on alone, and more rarely, until the block ends, if it is long.

    trials: that it may have; None is no limit.
    """
    if trials is not None and trials < LONG:
        yield
        return
    gc.collect()  # or what is garbage already was kept for good
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(ALIVE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
