"""Python's collector of cycles, kept off what was there before: to walk over all that is imported is most of its work."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def only_what_comes() -> Iterator[None]:
    """Look for garbage among objects that are made from here on, until the block ends."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
