"""What was read lately, by ids of contents: what was read once need not be read again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

EACH = 500  # characters that one takes beside its texts

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Remembers values; where there is no room, those that were not asked for the longest are forgotten."""

    def __init__(self, most: int, length: Callable[[Value], int]) -> None:
        """Begin with nothing.

        Args:
            most: characters of all.
            length: characters of the texts of one.
        """
        self._most, self._length_of = most, length
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._length = 0
        self._lock = threading.Lock()

    def of(self, ids: Iterable[str]) -> dict[str, Value]:
        """Return those of some that are remembered, by id."""
        with self._lock:
            found = {id_: self._values[id_] for id_ in ids if id_ in self._values}
            for id_ in found:
                self._values.move_to_end(id_)
            return found

    def keep(self, values: Mapping[str, Value]) -> None:
        """Remember values, given by id."""
        with self._lock:
            for id_, value in values.items():
                if id_ not in self._values:
                    self._values[id_] = value
                    self._length += EACH + self._length_of(value)
            while self._length > self._most:
                self._length -= EACH + self._length_of(self._values.popitem(last=False)[1])
