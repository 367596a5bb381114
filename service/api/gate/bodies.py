"""How long the body of a request may be, counted while it comes in, and how slowly it may come."""

from __future__ import annotations

import asyncio
import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.service.api.gate._asgi import one
from slotforge.service.api.problems import answer
from slotforge.service.api.settings import Settings

UPLOADS = re.compile("/v1/instances|/v1/suites/[^/]+|/instances|/new")
KINDS = ("multipart/form-data", "application/octet-stream")  # of uploads; what names none is bytes
BUSY = {"Retry-After": "10", "Connection": "close"}
PATIENCE_S, PACE = 60.0, 1024  # what may be waited for in all: so many seconds, and one for each so many bytes
SLOW = f"the body came too slowly: {PACE:,} bytes a second are the least, after {PATIENCE_S:g} seconds"


class Bodies:
    """Refuses bodies that are too long, as soon as that is known, those that trickle, and too many uploads at once."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app, self._settings = app, settings
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count what is read of its body."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if not uploads(scope):
            return await self._bounded(self._settings.body_bytes, scope, receive, send)
        if self._uploads >= self._settings.uploads:
            why = f"{self._uploads} uploads are coming in, the most there may be at once: send it again in a while"
            return await answer(503, why, headers=BUSY)(scope, receive, send)
        self._uploads += 1
        try:
            return await self._bounded(self._settings.upload_bytes, scope, receive, send)
        finally:
            self._uploads -= 1

    async def _bounded(self, most: int, scope: Scope, receive: Receive, send: Send) -> None:
        why = f"the body has more than {most:,} bytes, the most that is taken here"
        length = one(scope, b"content-length")
        if length is not None and not (length.isascii() and length.isdecimal()):
            return await answer(400, "the header Content-Length is no number")(scope, receive, send)
        if length is not None and (len(length) > 18 or int(length) > most):
            return await answer(413, why, headers={"Connection": "close"})(scope, receive, send)
        read, waited, whole = 0, 0.0, False
        clock = asyncio.get_running_loop().time

        async def counted() -> Message:
            nonlocal read, waited, whole
            if whole:
                return await receive()
            began = clock()
            try:
                async with asyncio.timeout(PATIENCE_S + read / PACE - waited):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, SLOW, {"Connection": "close"}) from None
            waited += clock() - began
            read += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if read > most:
                raise HTTPException(413, why, {"Connection": "close"})
            return message

        return await self.app(scope, counted, send)


def uploads(scope: Scope) -> bool:
    """Whether a request may send files: all else is held in memory, and is short."""
    if scope["method"] != "POST" or not UPLOADS.fullmatch(scope["path"]):
        return False
    kind = one(scope, b"content-type")
    return kind is None or kind.partition(";")[0].strip().lower() in KINDS
