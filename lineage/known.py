"""Candidates that were read lately: an id is that of a content, so what was read once need not be read again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from slotforge.core.types import Candidate

MOST = 8 << 20  # characters of all sources
EACH = 500  # that a candidate takes beside its sources


class Known:
    """Remembers candidates; where there is no room, those that were not asked for the longest are forgotten."""

    def __init__(self) -> None:
        self._candidates: OrderedDict[str, Candidate] = OrderedDict()
        self._length = 0
        self._lock = threading.Lock()

    def of(self, ids: Iterable[str]) -> dict[str, Candidate]:
        """Return those of some candidates that are remembered, by id."""
        with self._lock:
            found = {id_: self._candidates[id_] for id_ in ids if id_ in self._candidates}
            for id_ in found:
                self._candidates.move_to_end(id_)
            return found

    def keep(self, candidates: Mapping[str, Candidate]) -> None:
        """Remember candidates, given by id; what does not fit its id, as in a damaged store, is left out."""
        with self._lock:
            for id_, candidate in candidates.items():
                if id_ not in self._candidates and candidate.id == id_:
                    self._candidates[id_] = candidate
                    self._length += _length(candidate)
            while self._length > MOST:
                self._length -= _length(self._candidates.popitem(last=False)[1])


def _length(candidate: Candidate) -> int:
    return EACH + sum(map(len, candidate.slots.values()))


known = Known()
