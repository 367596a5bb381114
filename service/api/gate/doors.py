"""Unsafe requests of who may not make them are refused before anything of their body is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asked

from slotforge.lineage.store import SqlStore
from slotforge.service.api.access import NEEDS, SAFE, Scope, refusal
from slotforge.service.api.gate.callers import Rates
from slotforge.service.api.gate.deeds import keep
from slotforge.service.api.problems import told


class Doors:
    """Knows what each route asks of its caller, by its dependencies; routes that ask nothing stay open."""

    def __init__(self, app: ASGIApp, *, store: SqlStore, refusals: Rates, routes: Sequence[APIRoute]) -> None:
        self.app, self._store, self._refusals = app, store, refusals
        self._needs = [(route, scope) for route in routes for scope in asked(route.dependant)]

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not; the refusal of a key that is known is kept as a deed."""
        found = self._find(scope) if scope["type"] == "http" and scope["method"] not in SAFE else None
        if found is None:
            return await self.app(scope, receive, send)
        child, needed = found
        scope["route"] = child["route"]  # of an answer that comes before the route is reached, such as one sent again
        caller = scope.get("slotforge.caller")
        refused = refusal(caller, needed)
        if refused is None:
            return await self.app(scope, receive, send)
        scope.update(child)
        if caller is not None:
            await run_in_threadpool(keep, self._store, scope, refused.status, Headers(), self._refusals)
        return await told(Request(scope), refused)(scope, receive, send)

    def _find(self, scope: Asked) -> tuple[Asked, Scope] | None:
        for route, needed in self._needs:
            match, child = route.matches(scope)
            if match is Match.FULL:
                return child, needed
        return None


def asked(dependant: Dependant) -> Iterator[Scope]:
    """Yield the scope that a route asks for, if it does: the highest of its dependencies."""
    found = [scope for call, scope in NEEDS.items() if call in set(_calls(dependant))]
    yield from found[-1:]


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)
