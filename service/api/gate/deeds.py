"""Every unsafe request is kept: who asked for what, and what came of it."""

from __future__ import annotations

import logging
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.core.errors import StoreError
from slotforge.lineage.audit import note
from slotforge.lineage.store import SqlStore
from slotforge.service.api.access import SAFE

log = logging.getLogger("slotforge.service")
LONGEST = 200  # characters of a target


class Deeds:
    """Writes the audit before the answer is sent."""

    def __init__(self, app: ASGIApp, *, store: SqlStore) -> None:
        self.app, self._store = app, store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and keep that it was made."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            return await self.app(scope, receive, send)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                await run_in_threadpool(self._note, scope, message)
            await send(message)

        return await self.app(scope, receive, noted)

    def _note(self, scope: Scope, message: Message) -> None:
        route = getattr(scope.get("route"), "path", "")
        if not route:
            return
        caller = scope.get("slotforge.caller")
        facts: dict[str, Any] = {"status": message["status"], "request": scope.get("slotforge.request", "")}
        try:
            note(
                self._store,
                actor=caller.name if caller else "",
                action=f"{scope['method']} {route}",
                target=_target(scope, Headers(raw=message["headers"])),
                facts=facts,
            )
        except StoreError as error:
            log.error("the audit cannot be written: %s", error)


def _target(scope: Scope, headers: Headers) -> str:
    """Name what was acted on: the place of what was made, or what the path names."""
    made = headers.get("location", "").rpartition("/")[2]
    return (made or " ".join(map(str, scope.get("path_params", {}).values())))[:LONGEST]
