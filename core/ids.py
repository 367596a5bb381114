"""Identity by content, and random numbers by purpose."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import Generator

LARGEST_SEED = 2**62
"""What is given as a seed is at most this, so that the seeds that follow from it fit engine and database as well."""


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_id(value: object, *, length: int = 16) -> str:
    """Name a JSON-like value by its content: the same content has the same id on every machine.

    Args:
        value: anything that `json.dumps` takes; the order of keys does not matter.
        length: hexadecimal digits, at most 64.
    """
    return text_id(canonical(value), length=length)


def canonical(value: object) -> str:
    """Write a JSON-like value as JSON, in the one form by which its content is named."""
    return _CANONICAL.encode(value)


def text_id(text: str, *, length: int = 16) -> str:
    """Name a text by its content."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def generator(*key: object) -> Generator:
    """Make the generator that belongs to a key such as (run seed, trial number, purpose); equal keys, equal numbers."""
    from slotforge.core.philox import keyed

    return keyed(_digest(key))


def first_normal(*key: object) -> float:
    """Draw what `generator(*key).standard_normal()` draws first, in less time."""
    from slotforge.core import philox

    return philox.first_normal(_digest(key))


def _digest(key: tuple[object, ...]) -> bytes:
    return hashlib.sha256(repr(key).encode()).digest()[:16]
