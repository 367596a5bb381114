"""The sources of candidates as a search for words looks at them: who looks for other words looks through the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from slotforge.lineage import rows
from slotforge.lineage.remembered import Remembered

MOST = 32 << 20  # characters of all


class Sought(Remembered[str]):
    """Remembers sources in small letters, those of a candidate one after the other."""

    def __init__(self) -> None:
        super().__init__(MOST, len)

    def read(self, connection: Connection, ids: Sequence[str]) -> dict[str, str]:
        """Return the sources of candidates, from the store where they are not remembered."""
        found = self.of(ids)
        if missing := [id_ for id_ in ids if id_ not in found]:
            found |= (read := _read(connection, missing))
            self.keep(read)
        return found


def _read(connection: Connection, ids: list[str]) -> dict[str, str]:
    texts: dict[str, list[str]] = defaultdict(list)
    for candidate, _, source in rows.sources(connection, ids):
        texts[candidate].append(source.casefold())
    return {id_: "\0".join(texts[id_]) for id_ in ids}


sought = Sought()
