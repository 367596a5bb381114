"""Every unsafe request is kept: who asked for what, and what came of it."""

from __future__ import annotations

import logging

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.core.errors import StoreError
from slotforge.lineage.audit import note
from slotforge.lineage.store import SqlStore
from slotforge.service.api.access import SAFE
from slotforge.service.api.gate.callers import Rates

log = logging.getLogger("slotforge.service")
LONGEST = 200  # characters of a target
TARGET = "slotforge.target"  # in the scope of a request: what it is about, where neither path nor answer say that
REFUSED = 400  # and above


class Deeds:
    """Writes the audit before the answer is sent."""

    def __init__(self, app: ASGIApp, *, store: SqlStore, refusals: Rates) -> None:
        self.app, self._store, self._refusals = app, store, refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and keep that it was made."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            return await self.app(scope, receive, send)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                await run_in_threadpool(keep, self._store, scope, message["status"], headers, self._refusals)
            await send(message)

        return await self.app(scope, receive, noted)


def keep(store: SqlStore, scope: Scope, status: int, headers: Headers, refusals: Rates) -> None:
    """Write a request into the audit.

    Left out is the refusal of who is unknown, for anybody can have many of those, unless its target is told.

    Args:
        refusals: how many of a key are kept.
    """
    route, caller = getattr(scope.get("route"), "path", ""), scope.get("slotforge.caller")
    if not route or (caller is None and status >= REFUSED and TARGET not in scope):
        return
    if caller is not None and status >= REFUSED and refusals.wait(f"key {caller.name}"):
        return
    try:
        note(
            store,
            actor=caller.name if caller else "",
            action=f"{scope['method']} {route}",
            target=_target(scope, headers),
            facts={"status": status, "request": scope.get("slotforge.request", "")},
        )
    except StoreError as error:
        log.error("the audit cannot be written: %s", error)


def _target(scope: Scope, headers: Headers) -> str:
    """Name what was acted on: the place of what was made, or what the path names."""
    made = headers.get("location", "").rpartition("/")[2]
    named = scope.get(TARGET) or made or " ".join(map(str, scope.get("path_params", {}).values()))
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in named[:LONGEST])[:LONGEST]
