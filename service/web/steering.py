"""What may be wished for a job, by how it stands."""

from __future__ import annotations

from slotforge.lineage.jobs import State
from slotforge.service.jobs.queue import JobRecord, Wish

WISHES: dict[State, tuple[Wish, ...]] = {
    "queued": ("pause", "cancel"),
    "running": ("pause", "cancel"),
    "paused": ("resume", "cancel"),
    "failed": ("resume", "cancel"),
}


def wishes(job: JobRecord | None) -> tuple[Wish, ...]:
    """Return what may be wished; nothing while a wish is still to be fulfilled."""
    return () if job is None or job.wish else WISHES.get(job.state, ())
