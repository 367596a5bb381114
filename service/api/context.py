"""What every route works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request

from slotforge.lineage.store import SqlStore
from slotforge.service.api.settings import Settings
from slotforge.service.views.cluster import ClusterSeen, Lookout

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
    lookout: Lookout = field(default_factory=Lookout)

    @property
    def served(self) -> Settings:
        """The settings, with the store that is served as it is reached."""
        return self.settings.model_copy(update={"store": self.store.url.render_as_string(hide_password=False)})

    @property
    def cluster(self) -> ClusterSeen | None:
        """The cluster as it was seen last, where searches use one."""
        return self.lookout.seen() if self.settings.executor == "ray" else None


async def context_of(request: Request) -> Context:
    """Return the context of the application that a request came to; a dependency."""
    found: Context = request.app.state.context
    return found
