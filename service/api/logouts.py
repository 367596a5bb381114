"""Which sessions have ended before their time, remembered for a moment so that not every request asks the database."""

from __future__ import annotations

import time
from collections import OrderedDict

from slotforge.lineage import logouts
from slotforge.lineage.store import SqlStore
from slotforge.service.api.keyring import MOST, REMEMBERED_S, NotRemembered

Session = tuple[str, str]  # the name of its key, and what tells it from others of that key


class Logouts:
    """Knows whether somebody has logged out of a session, on whichever server of the database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._looked: OrderedDict[Session, tuple[float, bool]] = OrderedDict()

    def ended(self, session: Session, *, ask: bool = True) -> bool:
        """Whether a session has ended; see `Keyring` for `ask`."""
        at, found = self._looked.get(session, (-REMEMBERED_S, False))
        if not found and time.monotonic() - at > REMEMBERED_S:
            if not ask:
                raise NotRemembered
            found = logouts.ended(self._store, *session)
            self._remember(session, ended=found)
        return found

    def end(self, session: Session) -> None:
        """End a session."""
        logouts.end(self._store, *session)
        self._remember(session, ended=True)

    def _remember(self, session: Session, *, ended: bool) -> None:
        self._looked[session] = time.monotonic(), ended
        while len(self._looked) > MOST:
            self._looked.popitem(last=False)
