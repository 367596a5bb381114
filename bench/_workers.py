"""Processes that measure, several at once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from slotforge.search.executors import _mortal


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Start fresh processes; they end with the block, and with this process, whatever they are at then."""
    pool = _mortal.pool(count, multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        _mortal.end(pool)
