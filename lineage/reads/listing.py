"""A part of a long list, and where it goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from slotforge.core.types import Record

Key = tuple[str | int | float | None, ...]
Item = TypeVar("Item")


class Listing(Record, Generic[Item]):
    """Some items of a list.

    next: the key after which it goes on, or None at its end. There may be fewer items than were asked for, even none,
    and more to come: a search through texts stops after a while to be gone on with.
    """

    items: tuple[Item, ...]
    next: Key | None = None


def cut(found: Sequence[Item], limit: int, key: Callable[[Item], Key]) -> tuple[Sequence[Item], Key | None]:
    """Cut what was found to the limit; one item too many says that there is more, and then the last one's key counts.

    Returns:
        The items, and the key after which the list goes on.
    """
    items = found[:limit]
    return items, key(items[-1]) if len(found) > limit else None
