"""Who did what through the service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from slotforge.core.types import Record
from slotforge.lineage.records import moment
from slotforge.lineage.service_schema import Audit
from slotforge.lineage.store import SqlStore


class AuditRecord(Record):
    """Something that somebody did. target: an id or a name; facts hold no secrets."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    facts: Mapping[str, Any]


def note(store: SqlStore, *, actor: str, action: str, target: str, facts: Mapping[str, Any]) -> None:
    """Keep that somebody did something."""
    values = {"at": time.time(), "actor": actor, "action": action, "target": target, "facts": dict(facts)}
    with store.writing() as connection:
        connection.execute(insert(Audit).values(values))


def audit(
    store: SqlStore, *, limit: int, before: int | None = None, actor: str | None = None
) -> tuple[AuditRecord, ...]:
    """List what was done, the newest first: up to `limit` of those before an id, of one actor or of all."""
    query = select(Audit.__table__).order_by(Audit.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Audit.id < before)
    if actor is not None:
        query = query.where(Audit.actor == actor)
    with store.reading() as connection:
        return tuple(AuditRecord(**{**row, "at": moment(row["at"])}) for row in connection.execute(query).mappings())
