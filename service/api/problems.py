"""Errors as RFC 9457 tells them: application/problem+json, in one form from one place."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from slotforge.core.errors import (
    BudgetExhausted,
    BuildError,
    Conflict,
    FormulaError,
    ModelError,
    SandboxError,
    SlotforgeError,
    StoreError,
    UnknownId,
    UsageError,
)
from slotforge.core.types import Record
from slotforge.service.api import wording

log = logging.getLogger("slotforge.service")
MEDIA_TYPE = "application/problem+json"
STATUS: Mapping[type[BaseException], int] = {
    UnknownId: 404,
    Conflict: 409,
    UsageError: 422,
    FormulaError: 422,
    BuildError: 422,
    BudgetExhausted: 409,
    ModelError: 502,
    SandboxError: 503,
    StoreError: 503,
    SlotforgeError: 400,
}
"""What an error of ours is answered with; the nearest class counts."""


class Fault(Record):
    """One field of a request that is wrong. where: such as "query.limit" or "body.budget.usd"."""

    where: str
    why: str


class Problem(Record):
    """An error. detail: one line that says what is wrong and what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    faults: tuple[Fault, ...] = ()


class Refusal(Exception):
    """An answer that is a problem; raise it where no error of `core.errors` fits."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses=` of a route that may answer with these problems."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}} for status in statuses}


def answer(
    status: int, detail: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Make the answer that tells a problem."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, faults=tuple(faults))
    return Response(problem.model_dump_json(), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error with a problem."""
    app.exception_handler(SlotforgeError)(_ours)
    app.exception_handler(Refusal)(_refusal)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(_unexpected)


def status_of(error: BaseException) -> int:
    """Return the status that an error of ours is answered with."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def why(error: SlotforgeError | Refusal) -> str:
    """Say in one line what is wrong; where the database is stays in the log."""
    if isinstance(error, SlotforgeError) and STATUS[StoreError] == status_of(error) and isinstance(error, StoreError):
        log.error("the database: %s", error)
        return "the database cannot be read or written: ask again in a while; the log of the service tells more"
    return error.elsewhere if isinstance(error, UnknownId) else str(error)


async def _ours(request: Request, error: SlotforgeError) -> Response:  # noqa: ARG001
    return answer(status_of(error), why(error))


async def _refusal(request: Request, error: Refusal) -> Response:  # noqa: ARG001
    return answer(error.status, error.detail, headers=error.headers)


async def _http(request: Request, error: HTTPException) -> Response:
    return told(request, error)


def told(request: Request, error: HTTPException | Refusal) -> Response:
    """Answer with a problem, or with a page where a browser asks for one."""
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/"):
        from slotforge.service.web.routing import told as shown

        return shown(request, error)
    status = error.status if isinstance(error, Refusal) else error.status_code
    return answer(status, wording.plain(request, status, str(error.detail)), headers=error.headers)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    faults = [Fault(where=where, why=why) for where, why in wording.faults(request, error.errors())]
    first = f"{faults[0].where}: {faults[0].why}" if faults else "the request cannot be read"
    return answer(422, first, faults=faults)


async def _unexpected(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return answer(500, "the service has a fault: its log tells more")
