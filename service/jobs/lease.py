"""Keep a job by signs of life, and end with it: whoever may have lost it must not go on."""

from __future__ import annotations

import faulthandler
import logging
import threading
import time
from collections.abc import Callable

from slotforge.core.errors import StoreError
from slotforge.lineage import jobs
from slotforge.lineage.leases import Lease, LeaseLost
from slotforge.service.jobs.queue import Queue

BEATS = 10  # signs of life in the length of a lease
TIMER = 1  # the exit code of a process that its timer has ended
log = logging.getLogger("slotforge.jobs")


class Heartbeat:
    """Renews the lease of this process for the length of a block, in a thread.

    When it is lost, `lost` is called. When it was not renewed for as long as it lasts, whatever the reason, the process
    ends without asking anybody: a timer outside of Python sees to it, which goes on after the block.
    """

    def __init__(self, queue: Queue, lease: Lease, *, wished: Callable[[str], None], lost: Callable[[], None]) -> None:
        """Keep a lease; `wished` is told whenever there is a wish."""
        self._queue, self._lease = queue, lease
        self._wished, self._lost = wished, lost
        self._stop = threading.Event()
        self._further = False
        self._thread = threading.Thread(target=self._beat_on, name="slotforge-lease", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._arm(self._lease.seconds)
        self._begun = self._recorded()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(self._lease.seconds)

    def _arm(self, seconds: float) -> None:
        faulthandler.dump_traceback_later(max(0.001, seconds), exit=True)

    def _beat_on(self) -> None:
        while not self._stop.wait(self._lease.seconds / BEATS):
            try:
                self._beat()
            except LeaseLost as error:
                log.error("%s", error)
                self._lost()
                return
            except StoreError as error:  # the next time may do
                log.warning("no sign of life: %s", error)

    def _beat(self) -> None:
        begun = time.monotonic()
        got_on = not self._further and self._recorded() > self._begun
        wish = self._queue.renew(self._lease, further=got_on)
        self._further |= got_on
        self._arm(self._lease.seconds - (time.monotonic() - begun))
        if wish:
            self._wished(wish)

    def _recorded(self) -> int:
        with self._queue.store.reading() as connection:
            return jobs.recorded(connection, self._lease.job)
