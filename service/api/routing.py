"""Routes whose answers are written down where they are made: in the same thread, once, and without a second look."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import Match
from starlette.types import Scope

from slotforge.service.api.answers import Json, dumped
from slotforge.service.api.sight import sight

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Direct(APIRoute):
    """A route that reads: what it returns is the record that it declares, so there is nothing to check or convert."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        reads = set(options.get("methods") or ()) == {"GET"} and not inspect.iscoroutinefunction(endpoint)
        super().__init__(path, written(endpoint) if reads else endpoint, **options)

    def get_route_handler(self) -> Handler:
        """Close what was uploaded, once it is answered."""
        return closing(super().get_route_handler())


class Router(APIRouter):
    """The routes of a subject of the API; none of them is tried for a path that does not begin as all of them do."""

    def __init__(self, *, route_class: type[APIRoute] = Direct, **options: Any) -> None:
        super().__init__(route_class=route_class, **options)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a route is asked for."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return super().matches(scope) if path.startswith(self.prefix) else (Match.NONE, {})


def written(endpoint: Callable[..., Any]) -> Callable[..., Response]:
    """Let a function that returns a record return it as a JSON answer."""

    @wraps(endpoint)
    def write(*arguments: Any, **named: Any) -> Response:
        with sight():
            found = endpoint(*arguments, **named)
        if isinstance(found, Response):
            return found
        plain = found.model_dump(mode="json") if isinstance(found, BaseModel) else found
        return Response(dumped(plain), media_type=Json.media_type)

    return write


def closing(handle: Handler) -> Handler:
    """Close the files of a form, also where a request is refused before its route has seen them."""

    async def closed(request: Request) -> Response:
        try:
            return await handle(request)
        finally:
            await request.close()

    return closed
