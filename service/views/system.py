"""The service itself: its version, its store, its servers, and what they can do."""

from __future__ import annotations

import math
import platform
import time
from threading import Lock

from slotforge import __version__
from slotforge.core.types import Record
from slotforge.lineage import servers
from slotforge.lineage.schema import VERSION
from slotforge.lineage.servers import ServerRecord
from slotforge.lineage.store import SqlStore
from slotforge.service.api.settings import ExecutorName, Settings
from slotforge.service.cli._checks import Finding, findings
from slotforge.service.views.cluster import ClusterSeen

__all__ = ["Check", "System", "SystemShown", "checks", "system"]


LASTS_S = 60.0  # what a look found
PORT = "service"  # the check of the port where a service would listen: no question where one answers


class System(Record):
    """The service. database: its kind; tables: their revision; servers: that do its jobs."""

    version: str
    python: str
    platform: str
    database: str
    tables: str
    servers: tuple[ServerRecord, ...]


class SystemShown(System):
    """The service, and what the caller may do with it.

    executor: where its searches measure; cluster: the nodes, where that is "ray".
    models: that a run may name, besides "replay:RUN".
    workers: of a job that asks for no number of them.
    """

    executor: ExecutorName
    cluster: ClusterSeen | None
    models: tuple[str, ...]
    workers: int
    caller: str
    scopes: tuple[str, ...]


class Check(Record):
    """What a look at one part of this server found. advice: what to do about it, or empty."""

    name: str
    state: str
    text: str
    advice: str


def system(store: SqlStore) -> System:
    """Tell about the service."""
    return System(
        version=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        database=store.url.get_backend_name(),
        tables=VERSION,
        servers=servers.servers(store),
    )


_LOOKING = Lock()
_looked: dict[Settings, tuple[float, tuple[Check, ...]]] = {}


def checks(settings: Settings) -> tuple[Check, ...]:
    """Look at the parts of this server, as `slotforge doctor` does, at most once a minute; takes seconds."""
    with _LOOKING:
        at, found = _looked.get(settings, (-math.inf, ()))
        if time.monotonic() - at > LASTS_S:
            found = tuple(_check(one) for one in findings(settings) if one.name != PORT)
            _looked[settings] = time.monotonic(), found
        return found


def _check(finding: Finding) -> Check:
    return Check(name=finding.name, state=finding.state, text=finding.text, advice=finding.advice)
