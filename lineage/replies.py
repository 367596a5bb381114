"""Answers to requests that may be sent again: the same key of the same owner has the same answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from slotforge.core.errors import Conflict, UsageError
from slotforge.lineage.service_schema import Request
from slotforge.lineage.store import SqlStore

KEPT_S = 86_400.0
ABANDONED_S = 120.0  # after which a request without an answer counts as one whose server is gone
UNANSWERED = Request.answer == {}


def claim(store: SqlStore, owner: str, key: str, digest: str) -> Mapping[str, Any] | None:
    """Begin to answer a request, or return the answer that it had.

    Args:
        digest: of all that the request says.

    Raises:
        UsageError: the key was used for another request.
        Conflict: the same request is being answered.
    """
    row, now = Request, time.time()
    values = {"owner": owner, "key": key, "digest": digest, "answer": {}, "at": now}
    ours = (row.owner == owner, row.key == key)
    with store.writing() as connection:
        connection.execute(delete(row).where(row.at < now - KEPT_S))
        connection.execute(delete(row).where(*ours, row.digest == digest, row.at < now - ABANDONED_S, UNANSWERED))
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        ours_now = dialect.insert(row).values(values).on_conflict_do_nothing().returning(row.key)
        if connection.scalar(ours_now) is not None:
            return None
        found = connection.execute(select(row.digest, row.answer).where(*ours)).one()
    if found.digest != digest:
        raise UsageError(f"the idempotency key '{key}' was used for another request: choose a new one")
    if not found.answer:
        raise Conflict(f"the request with the idempotency key '{key}' is being answered: ask again in a second")
    answer: Mapping[str, Any] = found.answer
    return answer


def keep(store: SqlStore, owner: str, key: str, answer: Mapping[str, Any]) -> None:
    """Keep what a request was answered with."""
    row = Request
    with store.writing() as connection:
        connection.execute(update(row).where(row.owner == owner, row.key == key).values(answer=dict(answer)))


def forget(store: SqlStore, owner: str, key: str) -> None:
    """Let a request be sent again as if it had not been: it failed for no fault of its own."""
    row = Request
    with store.writing() as connection:
        connection.execute(delete(row).where(row.owner == owner, row.key == key))
