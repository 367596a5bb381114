"""HEAD is answered as GET is, without the body."""

from __future__ import annotations

from anyio import CancelScope
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """Asks as GET would, and goes no further than the headers of the answer: a stream has no end to wait for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self.app(scope, receive, send)
        asked = {**scope, "method": "GET"}

        async def head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                enough.cancel()

        with CancelScope() as enough:
            await self.app(asked, receive, head)
        scope.update(asked, method="HEAD")
        return None
