"""By which names the service may be called, and from which pages: against DNS rebinding and forged requests."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from slotforge.service.api.access import SAFE
from slotforge.service.api.gate._asgi import one
from slotforge.service.api.problems import answer
from slotforge.service.api.settings import LOOPBACK, Settings

_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
ANY = ("0.0.0.0", "::", "")


class Hosts:
    """Refuses requests whose Host is none of ours, and unsafe ones that a page of another site has sent."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        named = () if settings.host in ANY else (settings.host,)
        self.app = app
        self._allowed = frozenset(map(plain, (*LOOPBACK, *named, *settings.names)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] == "http":
            why = self._host(scope) or self._origin(scope)
            if why:
                return await answer(*why)(scope, receive, send)
        return await self.app(scope, receive, send)

    def _host(self, scope: Scope) -> tuple[int, str] | None:
        if called(scope) in self._allowed:
            return None
        return 400, "the header Host names no host of this service: add it to allowed_hosts if it is one"

    def _origin(self, scope: Scope) -> tuple[int, str] | None:
        if scope["method"] in SAFE:
            return None
        site, origin = one(scope, b"sec-fetch-site"), one(scope, b"origin")
        foreign = origin is not None and urlsplit_host(origin) != (one(scope, b"host") or "").lower()
        if site not in (None, "same-origin", "none") or foreign:
            return 403, "a page of another site has sent this: only this service's own pages may"
        return None


def urlsplit_host(origin: str) -> str | None:
    """Return host and port of an origin, or None when it is none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") and not parts.path else None


def called(scope: Scope) -> str | None:
    """Return by which name or address a request calls the service, or None where that is none."""
    return _name(one(scope, b"host") or "")


@lru_cache(256)
def _name(host: str) -> str | None:
    match = _HOST.fullmatch(host)
    if match is None or int(match["port"] or 0) > 65535:
        return None
    if match["v6"] is None:
        return plain(match["name"])
    return plain(match["v6"]) if ":" in match["v6"] else None


def plain(host: str) -> str:
    """Write a name or an address in the one way in which it is compared."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return host.lower()
