"""Python's collector of cycles, kept off what was there before: all that is imported is most of what it walks over."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

LONG = 1_000  # trials of a search that gains more by it than it costs to look through everything once


@contextmanager
def only_what_comes(trials: int | None) -> Iterator[None]:
    """Look for garbage among objects that are made from here on, until the block ends, if the search is long.

    trials: that it may have; None is no limit.
    """
    if trials is not None and trials < LONG:
        yield
        return
    gc.collect()  # or what is garbage already was kept for good
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
