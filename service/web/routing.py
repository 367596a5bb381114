"""Routes whose errors are pages: a reader without a key is sent to the login, all else is told in one line."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from slotforge.core.errors import SlotforgeError
from slotforge.service.api import wording
from slotforge.service.api.problems import Refusal, status_of, why
from slotforge.service.api.routing import Handler, closing
from slotforge.service.web.templating import page

UNKNOWN_CALLER = 401


class PageRoute(APIRoute):
    """A route that answers people."""

    def get_route_handler(self) -> Handler:
        """Put the telling of errors around the handler."""
        inner = closing(super().get_route_handler())

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except (SlotforgeError, Refusal, RequestValidationError, HTTPException) as error:
                return told(request, error)

        return handle


def told(request: Request, error: Exception) -> Response:
    """Answer with the page that tells an error."""
    status, detail = _of(request, error)
    if status == UNKNOWN_CALLER and request.method == "GET":
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?{urlencode({'next': back})}", 303)
    answer = page(request, "error.html", status, code=status, detail=detail)
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _of(request: Request, error: Exception) -> tuple[int, str]:
    if isinstance(error, Refusal):
        return error.status, error.detail
    if isinstance(error, HTTPException):
        return error.status_code, wording.plain(request, error.status_code, str(error.detail))
    if isinstance(error, RequestValidationError):
        where, why_ = next(wording.faults(request, error.errors()))
        return 422, f"{where}: {why_}"
    assert isinstance(error, SlotforgeError)
    return status_of(error), why(error)


def pages() -> APIRouter:
    """Make the router of a page."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def see(target: str) -> Response:
    """Go on to another page after a form was sent."""
    return RedirectResponse(target, 303)
