"""Who sends a request, found once for all that asks, and how often they may."""

from __future__ import annotations

import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from slotforge.service.api.access import CHALLENGE, LOCAL, Caller
from slotforge.service.api.gate._asgi import one
from slotforge.service.api.gate.hosts import called
from slotforge.service.api.keyring import Keyring, NotRemembered
from slotforge.service.api.problems import Refusal, answer
from slotforge.service.api.sessions import COOKIE, Sessions
from slotforge.service.api.settings import Settings, is_loopback

PROXIED = re.compile(rb"forwarded|via|x-forwarded-.*|x-real-ip|(x|true|cf|fastly)-.*(client|connecting)-ip")
"""Headers of proxies."""
MOST = 10_000  # callers whose rates are remembered


class Rates:
    """Token buckets: each caller may ask `burst` times at once, and then `rate` times a second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._alone = threading.Lock()

    def wait(self, caller: str) -> float:
        """Count a request; return 0, or the seconds after which the caller may ask again."""
        with self._alone:
            now = self._clock()
            left, at = self._left.pop(caller, (float(self._burst), now))
            left = min(self._burst, left + (now - at) * self._rate)
            self._left[caller] = (max(left - 1, 0) if left >= 1 else left, now)
            while len(self._left) > MOST:
                self._left.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) / self._rate


class Callers:
    """Finds the caller by key or cookie; refuses a key that is not valid, and who asks too often."""

    def __init__(self, app: ASGIApp, *, settings: Settings, keyring: Keyring, sessions: Sessions) -> None:
        self.app, self._keyring, self._sessions = app, keyring, sessions
        self._proxied = settings.proxied
        self._rates = Rates(settings.requests_per_s, settings.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the caller, or None, beside a request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            try:
                caller = self._caller(scope, ask=False)
            except NotRemembered:
                caller = await run_in_threadpool(self._caller, scope)
            self._count(scope, caller)
        except Refusal as error:
            return await answer(error.status, error.detail, headers=error.headers)(scope, receive, send)
        scope["slotforge.caller"] = caller
        scope["slotforge.valid"] = partial(self._valid, scope, caller)
        return await self.app(scope, receive, send)

    def _caller(self, scope: Scope, *, ask: bool = True) -> Caller | None:
        header = one(scope, b"authorization")
        if header is not None:
            kind, _, secret = header.partition(" ")
            known = self._keyring.by_secret(secret.strip(), ask=ask) if kind.lower() == "bearer" else None
            if known is None and self._keyring.needed(ask=ask):
                self._count(scope, None)
                raise Refusal(401, "this key is unknown, expired or revoked", headers=CHALLENGE)
            return Caller.of(known[0]) if known else self._local(scope)
        cookie = Request(scope).cookies.get(COOKIE) if any(name == b"cookie" for name, _ in scope["headers"]) else None
        key = self._sessions.key(cookie, ask=ask) if cookie else None
        if key is not None:
            return Caller.of(key)
        return None if self._keyring.needed(ask=ask) else self._local(scope)

    def _valid(self, scope: Scope, caller: Caller | None) -> bool:
        try:
            return self._caller(scope) == caller
        except Refusal:
            return False

    def _count(self, scope: Scope, caller: Caller | None) -> None:
        """Count what keys do, and what comes from an address without one; not what the owner of this machine does."""
        if caller == LOCAL:
            return
        address = (scope.get("client") or ("unknown",))[0]
        wait = self._rates.wait(f"key {caller.name}" if caller else f"address {address}")
        if wait:
            seconds = math.ceil(wait)
            raise Refusal(429, f"too many requests: ask again in {seconds} s", headers={"Retry-After": str(seconds)})

    def _local(self, scope: Scope) -> Caller | None:
        """Return the owner of this machine where there are no keys; nobody, where a proxy may have passed a request on.

        That one tells by its headers, by the name that it calls, or, as nginx without settings, by its old HTTP.
        """
        passed_on = scope["http_version"] == "1.0" or any(PROXIED.fullmatch(name) for name, _ in scope["headers"])
        own = is_loopback(called(scope) or "")
        return LOCAL if own and not passed_on and not self._proxied else None
