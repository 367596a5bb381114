"""Python's collector of cycles, kept off what was there before: all that is imported is most of what it walks over."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

ALIVE = 10_000  # objects that came since, at which to look; Python's 700 are what a few trials take for a while
LONG = 1_000  # trials of a search that gains more by it than it costs to look through everything once


@contextmanager
def only_what_comes(trials: int | None) -> Iterator[None]:
    """Look for garbage more rarely until the block ends; in a long search among what is made from here on alone.

    To look at what comes alone makes Python forget when it looked at all last: many short searches that did so would
    keep what was garbage before each of them.

    trials: of the search, at most; None is no limit.
    """
    long, before = trials is None or trials >= LONG, gc.get_threshold()
    if long:
        gc.collect()  # or what is garbage already was kept for good
        gc.freeze()
    gc.set_threshold(ALIVE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if long:
            gc.unfreeze()
