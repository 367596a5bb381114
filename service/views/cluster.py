"""The Ray cluster of a server, looked at aside, so that no answer waits for a cluster that does not answer."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock, Thread

from slotforge.search.executors._cluster import ADDRESS, Cluster, look

LASTS_S = 15.0  # what a look found
WAIT_S = 3.0  # for a look by whoever lets it begin; others are told what was seen before


class ClusterSeen(Cluster):
    """The cluster as it was seen last. looked: when that was; None is not yet."""

    looked: datetime | None


class Lookout:
    """Looks at the cluster when somebody asks for it, and at most so often."""

    def __init__(self, look: Callable[[], Cluster] = look) -> None:
        self._look = look
        self._lock = Lock()
        self._next, self._under_way = -math.inf, False
        why = "it is being looked at: ask again in some seconds"
        self._seen = ClusterSeen(address=os.environ.get(ADDRESS), why=why, looked=None)

    def seen(self, wait_s: float = WAIT_S) -> ClusterSeen:
        """Tell what was seen last, or is seen within so many seconds if it is time to look again."""
        with self._lock:
            due = not self._under_way and time.monotonic() >= self._next
            self._under_way = self._under_way or due
        if due:
            thread = Thread(target=self._watch, name="slotforge-cluster", daemon=True)
            thread.start()
            thread.join(wait_s)
        return self._seen

    def _watch(self) -> None:
        try:
            self._seen = ClusterSeen(**dict(self._look()), looked=datetime.now(UTC))
        finally:
            self._next, self._under_way = time.monotonic() + LASTS_S, False
