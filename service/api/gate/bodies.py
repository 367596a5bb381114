"""How long the body of a request may be, counted while it comes in."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.service.api.gate._asgi import one
from slotforge.service.api.problems import answer
from slotforge.service.api.settings import Settings

UPLOADS = ("/v1/instances", "/instances", "/v1/suites", "/suites", "/new")


class Bodies:
    """Refuses bodies that are too long, before they are read or as soon as they are."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count what is read of its body."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        upload = any(scope["path"] == path or scope["path"].startswith(f"{path}/") for path in UPLOADS)
        most = self._settings.upload_bytes if upload else self._settings.body_bytes
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
