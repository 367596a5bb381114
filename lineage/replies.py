"""Answers to requests that may be sent again: the same key of the same owner has the same answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from slotforge.core.errors import Conflict, UsageError
from slotforge.core.ids import content_id
from slotforge.lineage.service_schema import Request
from slotforge.lineage.store import SqlStore

KEPT_S = 86_400.0
ABANDONED_S = 330.0  # longer than any answer takes: then the server that was to give it counts as gone
UNANSWERED = Request.answer == {}


class UnderWay(Conflict):
    """The same request is being answered."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to answer a request, until it is given up; and what the request was answered with, if it was.

    at: when it was claimed, by which a claim is told from the one before it.
    job: the id of the job that the request makes, the same whoever makes it and however often.
    """

    owner: str
    key: str
    at: float
    job: str
    answer: Mapping[str, Any] | None = None

    @property
    def held(self) -> tuple[ColumnElement[bool], ...]:
        """The condition that nobody has claimed the request since."""
        return Request.owner == self.owner, Request.key == self.key, Request.at == self.at


def claim(store: SqlStore, owner: str, key: str, digest: str) -> Claim:
    """Begin to answer a request, or return the answer that it had.

    Args:
        digest: of all that the request says.

    Raises:
        UsageError: the key was used for another request.
        UnderWay: the same request is being answered, or was until now and failed.
    """
    row, now = Request, time.time()
    job = content_id({"owner": owner, "key": key, "digest": digest}, length=10)
    values = {"owner": owner, "key": key, "digest": digest, "answer": {}, "at": now}
    ours = (row.owner == owner, row.key == key)
    with store.writing() as connection:
        connection.execute(delete(row).where(row.at < now - KEPT_S))
        connection.execute(delete(row).where(*ours, row.digest == digest, row.at < now - ABANDONED_S, UNANSWERED))
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        ours_now = dialect.insert(row).values(values).on_conflict_do_nothing().returning(row.key)
        if connection.scalar(ours_now) is not None:
            return Claim(owner=owner, key=key, at=now, job=job)
        found = connection.execute(select(row.digest, row.answer, row.at).where(*ours)).one_or_none()
    if found is None:
        raise UnderWay(f"the request with the idempotency key '{key}' was given up just now: ask again in a second")
    if found.digest != digest:
        raise UsageError(f"the idempotency key '{key}' was used for another request: choose a new one")
    if not found.answer:
        raise UnderWay(f"the request with the idempotency key '{key}' is being answered: ask again in a second")
    return Claim(owner=owner, key=key, at=found.at, job=job, answer=found.answer)


def keep(store: SqlStore, claim: Claim, answer: Mapping[str, Any]) -> None:
    """Keep what a request was answered with, unless it was claimed again meanwhile."""
    with store.writing() as connection:
        connection.execute(update(Request).where(*claim.held).values(answer=dict(answer)))


def forget(store: SqlStore, claim: Claim) -> None:
    """Let a request be sent again as if it had not been: it failed for no fault of its own."""
    with store.writing() as connection:
        connection.execute(delete(Request).where(*claim.held))
