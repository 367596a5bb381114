"""What the owner of a job wishes for it: at once where it waits, and told to its holder where it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from sqlalchemy import Connection

from slotforge.core.errors import Conflict
from slotforge.lineage import jobs
from slotforge.lineage.jobs import CANCELLED, ENDED, FAILED, PAUSED, QUEUED, RUNNING
from slotforge.lineage.leases import end_with

Wish = Literal["pause", "cancel", "resume"]


def make(connection: Connection, ref: str, wish: Wish) -> dict[str, Any]:
    """Make a wish for a job, and return how the job stands then.

    Raises:
        UnknownId: there is no such job.
        Conflict: it has ended; one that has failed can go on, or be cancelled for good.
    """
    end_with(connection)
    row = jobs.find(connection, ref, lock=True)
    if row["state"] in ENDED and not (wish in ("resume", "cancel") and row["state"] == FAILED):
        raise Conflict(f"job {row['id']} is {row['state']}: it cannot {wish} any more")
    WISHES[wish](connection, row)
    return jobs.find(connection, row["id"])


def _pause(connection: Connection, row: Mapping[str, Any]) -> None:
    if row["state"] == RUNNING:
        jobs.change(connection, row["id"], wish="pause")
    elif row["state"] == QUEUED:
        jobs.change(connection, row["id"], state=PAUSED)
        jobs.tell_run(connection, row["id"], PAUSED)


def _cancel(connection: Connection, row: Mapping[str, Any]) -> None:
    if row["state"] == RUNNING:
        jobs.change(connection, row["id"], wish="cancel")
    else:
        jobs.change(connection, row["id"], state=CANCELLED)
        jobs.tell_run(connection, row["id"], CANCELLED)


def _resume(connection: Connection, row: Mapping[str, Any]) -> None:
    if row["state"] == RUNNING:
        jobs.change(connection, row["id"], wish="")
    elif row["state"] in (PAUSED, FAILED):
        jobs.change(connection, row["id"], state=QUEUED, attempts=0, why="")
        jobs.tell_run(connection, row["id"], QUEUED)


WISHES: Mapping[Wish, Callable[[Connection, Mapping[str, Any]], None]] = {
    "pause": _pause,
    "cancel": _cancel,
    "resume": _resume,
}
