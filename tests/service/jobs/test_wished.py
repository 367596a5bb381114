"""Why the history of a run of the queue says that it was interrupted."""

from __future__ import annotations

import os
import signal

import pytest

from slotforge.core.types import Trial
from slotforge.lineage.store import SqlStore, open_store
from slotforge.search.archive import Archive
from slotforge.search.discover import Discovery
from slotforge.search.observer import Silent
from slotforge.service.jobs.queue import Queue, Wish
from slotforge.testing import hills


class Signalled(Silent):
    """Ends the search as a job's process does when its owner wishes something, or when its server shuts down."""

    def told(self, trial: Trial, archive: Archive) -> None:  # noqa: ARG002
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("wish", "why"),
    [("pause", "paused, as was asked"), ("cancel", "cancelled, as was asked"), (None, "stopped by SIGINT")],
)
def test_the_history_of_a_run_says_what_was_wished_and_not_which_signal_it_took(
    store: SqlStore, queue: Queue, wish: Wish | None, why: str
) -> None:
    queue.submit(hills.config(), owner="ann")
    lease = queue.take("a")
    assert lease is not None
    if wish:
        queue.wish(lease.job, wish)
    with open_store(str(store.url.render_as_string(hide_password=False)), guard=lease.guard) as own:
        Discovery(config=hills.config(), store=own, observer=Signalled(), open_as=lease.job, take_over=True).run()
    assert [(event.kind, event.facts) for event in store.events(lease.job)][-1] == ("interrupted", {"why": why})
