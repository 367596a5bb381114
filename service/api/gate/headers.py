"""Headers that every answer has: what a browser may do with it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
SECURE = (b"strict-transport-security", b"max-age=31536000")
PRIVATE = (b"cache-control", b"no-store")
RAW = [(name.lower().encode(), value.encode()) for name, value in ALWAYS.items()]
NAMES = frozenset(name for name, _ in RAW)


class SecurityHeaders:
    """Adds them; an answer that is for everybody, such as a style sheet, may say itself how long it is kept."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        """Put them before an application; https: that browsers are to reach it no other way."""
        self.app = app
        self._added = [*RAW, SECURE] if https else RAW

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to its answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [one for one in message["headers"] if one[0] not in NAMES]
                lasting = any(name == PRIVATE[0] for name, _ in own)
                message["headers"] = own + self._added if lasting else [*own, *self._added, PRIVATE]
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
