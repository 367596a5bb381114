"""What is remembered of runs that have ended, for as long as nothing about them changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from slotforge.lineage.reads.marks import marks
from slotforge.lineage.store import SqlStore

MOST = 512  # runs of a store
Item = TypeVar("Item")


class Memory(Generic[Item]):
    """Remembers one thing about each of the runs that were asked for last, of every store that is open."""

    def __init__(self) -> None:
        self._stores: WeakKeyDictionary[SqlStore, OrderedDict[Hashable, tuple[Hashable, Item]]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def get(self, store: SqlStore, run: str, about: Hashable, make: Callable[[], Item]) -> Item:
        """Return what is remembered of a run, or make it.

        Args:
            about: what else it depends on.
        """
        now, key = marks(store, [("run", run)]).get(("run", run)), (run, about)
        with self._lock:
            known = self._stores.setdefault(store, OrderedDict())
            at, item = known.get(key, (None, None))
            if now is not None and at == now and item is not None:
                known.move_to_end(key)
                return item
        made = make()
        if now is not None:
            with self._lock:
                known[key] = (now, made)
                known.move_to_end(key)
                while len(known) > MOST:
                    known.popitem(last=False)
        return made
