"""How long the body of a request may be, counted while it comes in."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.service.api.gate._asgi import one
from slotforge.service.api.problems import answer
from slotforge.service.api.settings import Settings

UPLOADS = re.compile("/v1/instances|/v1/suites/[^/]+|/instances|/new")
KINDS = ("multipart/form-data", "application/octet-stream")  # of uploads; what names none is bytes


class Bodies:
    """Refuses bodies that are too long, before they are read or as soon as they are."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count what is read of its body."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        most = self._settings.upload_bytes if uploads(scope) else self._settings.body_bytes
        why = f"the body has more than {most:,} bytes, the most that is taken here"
        length = one(scope, b"content-length")
        if length is not None and not (length.isascii() and length.isdecimal()):
            return await answer(400, "the header Content-Length is no number")(scope, receive, send)
        if length is not None and (len(length) > 18 or int(length) > most):
            return await answer(413, why, headers={"Connection": "close"})(scope, receive, send)
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
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
