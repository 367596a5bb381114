"""The servers of the service: which there are, and when each was last seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from slotforge.core.types import Record
from slotforge.lineage import clock
from slotforge.lineage.records import moment
from slotforge.lineage.service_schema import Server
from slotforge.lineage.store import SqlStore

FORGOTTEN_S = 86_400.0  # after so long a server that is gone is no longer listed
SILENT_S = 15.0  # after so long a server that says nothing is taken to be gone


class ServerRecord(Record):
    """A server.

    facts: host, version, cpus, sandbox level, compiler and engine, and which process it is.
    alive: whether it gave a sign of life just now.
    """

    id: str
    facts: Mapping[str, Any]
    started: datetime
    seen: datetime
    alive: bool


def sign(store: SqlStore, server: str, facts: Mapping[str, Any]) -> None:
    """Give a sign of life; the first one registers the server."""
    with store.writing() as connection:
        now = clock.now(connection)
        ours = update(Server).where(Server.id == server).values(seen=now, facts=dict(facts))
        if not connection.execute(ours).rowcount:
            connection.execute(insert(Server).values(id=server, facts=dict(facts), started=now, seen=now))
            connection.execute(delete(Server).where(Server.seen < now - FORGOTTEN_S))


def leave(store: SqlStore, server: str) -> None:
    """Take a server off the list: it has shut down."""
    with store.writing() as connection:
        connection.execute(delete(Server).where(Server.id == server))


def servers(store: SqlStore) -> tuple[ServerRecord, ...]:
    """List the servers, those that have been there longest first."""
    with store.reading() as connection:
        now = clock.now(connection)
        found = connection.execute(select(Server.__table__).order_by(Server.started, Server.id)).mappings()
        return tuple(
            ServerRecord(
                id=row["id"],
                facts=row["facts"],
                started=moment(row["started"]),
                seen=moment(row["seen"]),
                alive=row["seen"] > now - SILENT_S,
            )
            for row in found
        )
