"""Sessions that have ended before their time: a logout is kept for a day, as requests are that may be sent again."""

from __future__ import annotations

import time

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from slotforge.lineage.replies import KEPT_S
from slotforge.lineage.service_schema import Request
from slotforge.lineage.store import SqlStore

KEY = "logout {}"  # of two words, as no idempotency key is


def end(store: SqlStore, owner: str, session: str) -> None:
    """Keep that a session of a key has ended."""
    now = time.time()
    row = {"owner": owner, "key": KEY.format(session), "digest": "", "answer": {}, "at": now}
    with store.writing() as connection:
        connection.execute(delete(Request).where(Request.at < now - KEPT_S))
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(Request).values(row).on_conflict_do_nothing())


def ended(store: SqlStore, owner: str, session: str) -> bool:
    """Whether a session of a key has ended; one must last no longer than a logout is kept."""
    ours = (Request.owner == owner, Request.key == KEY.format(session))
    with store.reading() as connection:
        return bool(connection.scalar(select(exists(select(Request.key).where(*ours)))))
