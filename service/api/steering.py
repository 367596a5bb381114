"""What callers wish for jobs: their own, or as an admin anybody's."""

from __future__ import annotations

from slotforge.service.api.access import Caller, expect_owner
from slotforge.service.api.context import Context
from slotforge.service.jobs.queue import JobRecord, Wish


def steer(context: Context, caller: Caller, ref: str, wish: Wish) -> JobRecord:
    """Ask for a job to pause, to go on, or to be cancelled; refuses who does not own it."""
    job = context.queue.job(ref)
    expect_owner(caller, job.owner)
    return context.queue.wish(job.id, wish)
