"""The trail of every request: its id, a line in the log, figures, and an answer even where the service has a fault."""

from __future__ import annotations

import logging
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.core.errors import StoreError
from slotforge.service.api.access import LOCAL, Caller
from slotforge.service.api.gate._asgi import one
from slotforge.service.api.gate.etags import STREAMS
from slotforge.service.api.gate.recent import REMEMBERED
from slotforge.service.api.logs import FIELDS
from slotforge.service.api.metrics import Metrics
from slotforge.service.api.problems import answer, status_of, why
from slotforge.service.api.settings import Settings

ID = "X-Request-ID"
UNROUTED = "(none)"
DOCUMENT = "/openapi.json"  # answered by no route of ours
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
RETRY = {"Retry-After": "10"}
log = logging.getLogger("slotforge.service")
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class NoRoom(Exception):
    """A stream is refused as it begins; no Refusal, which the application takes for one after the beginning."""


class Trail:
    """The outermost part of the gate."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, settings: Settings) -> None:
        self.app, self._metrics = app, metrics
        self._most, self._most_of_one = settings.streams, settings.caller_streams
        self._open: Counter[Caller | None] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and watch its answer."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        given = one(scope, ID.lower().encode()) or ""
        id_ = given if _ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
        watched = _Watched(send=send, id=id_, room=partial(self._room, scope))
        scope["slotforge.request"] = watched.id
        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if watched.status:
                raise
            await self._fault(error, watched.id)(scope, receive, watched)
        finally:
            self._leave(scope, watched)
            self._tell(scope, watched)

    def _room(self, scope: Scope) -> None:
        """Count a stream that begins, unless as many are open as may be; the owner of this machine may have all."""
        caller = scope.get("slotforge.caller")
        if self._open.total() >= self._most:
            raise NoRoom(f"{self._most} event streams are open, the most there may be")
        if caller != LOCAL and self._open[caller] >= self._most_of_one:
            raise NoRoom(f"{self._most_of_one} event streams of yours are open: close some")
        self._count(caller, 1)

    def _leave(self, scope: Scope, watched: _Watched) -> None:
        if watched.stream:
            self._count(scope.get("slotforge.caller"), -1)

    def _count(self, caller: Caller | None, change: int) -> None:
        self._open[caller] += change
        if not self._open[caller]:
            del self._open[caller]
        self._metrics.streams.set(self._open.total())

    def _fault(self, error: Exception, id_: str) -> ASGIApp:
        if isinstance(error, NoRoom):
            return answer(503, str(error), headers=RETRY)
        if isinstance(error, StoreError):
            return answer(status_of(error), why(error))
        log.error("the service has a fault", exc_info=error, extra={FIELDS: {"request": id_}})
        return answer(500, f"the service has a fault: its log tells more of request {id_}")

    def _tell(self, scope: Scope, watched: _Watched) -> None:
        route = getattr(scope.get("route"), "path", DOCUMENT if scope["path"] == DOCUMENT else UNROUTED)
        status = watched.status or 499
        seconds = (watched.answered or time.perf_counter()) - watched.began
        caller = scope.get("slotforge.caller")
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.latency.labels(method, route).observe(seconds)
        if how := scope.get(REMEMBERED):
            self._metrics.remembered.labels(how).inc()
        facts = {
            "request": watched.id,
            "method": scope["method"],
            "path": scope["path"],
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "caller": caller.name if caller else "",
            "client": (scope.get("client") or ("",))[0],
        }
        log.info("answered", extra={FIELDS: facts})


@dataclass(kw_only=True)
class _Watched:
    """An answer on its way: when it began, and with what status."""

    send: Send
    id: str
    room: Callable[[], None]
    began: float = field(default_factory=time.perf_counter)
    answered: float = 0.0
    status: int = 0
    stream: bool = False

    async def __call__(self, message: Message) -> None:
        """Take the next message."""
        if message["type"] == "http.response.start":
            if Headers(raw=message["headers"]).get("content-type", "").startswith(STREAMS):
                self.room()
                self.stream = True
            self.status, self.answered = message["status"], time.perf_counter()
            MutableHeaders(scope=message)[ID] = self.id
        await self.send(message)
