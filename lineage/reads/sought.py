"""The sources of candidates as a search for words looks at them; those read lately are remembered.

An id is that of a content, so what was read once need not be read again: who looks for other words looks through the
same candidates, the best, once more.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from slotforge.lineage import rows

MOST = 32 << 20  # characters of all
EACH = 500  # that a candidate takes beside its sources


class Sought:
    """Remembers sources in small letters; where there is no room, those not asked for the longest are forgotten."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._length = 0
        self._lock = threading.Lock()

    def of(self, connection: Connection, ids: Sequence[str]) -> dict[str, str]:
        """Return the sources of each candidate, one after the other."""
        with self._lock:
            found = {id_: self._texts[id_] for id_ in ids if id_ in self._texts}
            for id_ in found:
                self._texts.move_to_end(id_)
        if missing := [id_ for id_ in ids if id_ not in found]:
            found |= (read := _read(connection, missing))
            self._keep(read)
        return found

    def _keep(self, read: dict[str, str]) -> None:
        with self._lock:
            for id_, text in read.items():
                if id_ not in self._texts:
                    self._texts[id_] = text
                    self._length += EACH + len(text)
            while self._length > MOST:
                self._length -= EACH + len(self._texts.popitem(last=False)[1])


def _read(connection: Connection, ids: list[str]) -> dict[str, str]:
    texts: dict[str, list[str]] = defaultdict(list)
    for candidate, _, source in rows.sources(connection, ids):
        texts[candidate].append(source.casefold())
    return {id_: "\0".join(texts[id_]) for id_ in ids}


sought = Sought()
