"""What every route works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

from slotforge.lineage.store import SqlStore
from slotforge.service.api.settings import Settings

if TYPE_CHECKING:
    from slotforge.service.instances.vault import Vault
    from slotforge.service.jobs.queue import Queue


@dataclass(frozen=True, kw_only=True)
class Context:
    """The parts of the service, opened once."""

    store: SqlStore
    queue: Queue
    vault: Vault
    settings: Settings


async def context_of(request: Request) -> Context:
    """Return the context of the application that a request came to; a dependency."""
    found: Context = request.app.state.context
    return found
