"""Answers that are not sent again to who has them: ETag and If-None-Match."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.service.api.gate._asgi import one

LONGEST = 4 << 20  # bytes of an answer that is held back until its tag is known
STREAMS = "text/event-stream"


class Etags:
    """Tags the whole answers of GET by their content."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and hold its answer back until its tag is known."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return await self.app(scope, receive, send)
        held = _Held(one(scope, b"if-none-match"), send)
        return await self.app(scope, receive, held)


class _Held:
    """An answer on its way."""

    def __init__(self, known: str | None, send: Send) -> None:
        self._known, self._send = known, send
        self._start: Message | None = None
        self._parts: list[bytes] = []
        self._length = 0
        self._done = False

    async def __call__(self, message: Message) -> None:
        """Take the next message: hold it back, or let it and all before it go."""
        if self._done:
            return None
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            if message["status"] != 200 or headers.get("content-type", "").startswith(STREAMS):
                return await self._send(message)
            if "etag" not in headers:
                self._start = message
                return None
            if not matches(self._known, headers["etag"]):
                return await self._send(message)
            self._done = True
            await self._send(_unchanged(message))
            return await self._send({"type": "http.response.body", "body": b""})
        if self._start is None or message["type"] != "http.response.body":
            return await self._send(message)
        self._parts.append(message.get("body", b""))
        self._length += len(self._parts[-1])
        more = message.get("more_body", False)
        if more and self._length <= LONGEST:
            return None
        return await self._release(self._start, whole=not more)

    async def _release(self, start: Message, *, whole: bool) -> None:
        body, self._start = b"".join(self._parts), None
        headers = MutableHeaders(scope=start)
        if whole:
            headers["ETag"] = tag(body)
            if matches(self._known, headers["ETag"]):
                start, body = _unchanged(start), b""
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": not whole})


def tag(body: bytes) -> str:
    """Make the tag of an answer."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def _unchanged(start: Message) -> Message:
    return {**start, "status": 304, "headers": [one for one in start["headers"] if one[0] != b"content-length"]}


def matches(known: str | None, tag: str) -> bool:
    """Whether If-None-Match names a tag."""
    return known is not None and (
        known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(","))
    )
