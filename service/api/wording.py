"""What is wrong with a request, in words for who wrote it: no pattern, no second fault that follows from the first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from pydantic import BaseModel, BeforeValidator
from pydantic_core import PydanticCustomError

Error = Mapping[str, Any]
UNKNOWN = "extra_forbidden"
NO_JSON = ("model_attributes_type", "model_type", "dict_type")
SHORT = "too_short"


def shaped(pattern: str, why: str) -> BeforeValidator:
    """Make the check of a text that says in words what is wanted; {!r} in them is what was sent.

    Args:
        pattern: of the whole text.
        why: what is wrong and what to do.
    """
    whole = re.compile(pattern)

    def check(value: object) -> object:
        if isinstance(value, str) and not whole.fullmatch(value):
            raise PydanticCustomError("shape", "{why}", {"why": why.format(value[:80])})
        return value

    return BeforeValidator(check)


def faults(request: Request, errors: Sequence[Error]) -> Iterator[tuple[str, str]]:
    """Yield where a request is wrong, and why."""
    for one in errors:
        if one["type"] != SHORT or not any(_within(other["loc"], one["loc"]) for other in errors):
            yield ".".join(map(str, _place(one))), _why(request, one)


def _within(inner: Sequence[object], outer: Sequence[object]) -> bool:
    return len(inner) > len(outer) and tuple(inner[: len(outer)]) == tuple(outer)


def _place(error: Error) -> Sequence[object]:
    return ("body",) if error["type"] == "json_invalid" else error["loc"]


def _why(request: Request, error: Error) -> str:
    loc = error["loc"]
    if error["type"] == "json_invalid":
        return f"this is no JSON: {error['ctx']['error']}, at character {loc[-1]}"
    if error["type"] in NO_JSON and tuple(loc) == ("body",):
        return "a JSON object is expected: send one, with the header Content-Type: application/json"
    if error["type"] == UNKNOWN and (model := _model(request, loc)):
        return _unknown(model, str(loc[-1]))
    return str(error["msg"])


def _unknown(model: type[BaseModel], name: str) -> str:
    """Say where a field belongs that is unknown here, or which there are."""
    for owner, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and name in inner.model_fields:
            return f"no such field here: it belongs in '{owner}'"
    return f"no such field: choose of {', '.join(model.model_fields)}"


def _model(request: Request, loc: Sequence[object]) -> type[BaseModel] | None:
    """Return the record in the body of a request that a place lies in."""
    field = getattr(request.scope.get("route"), "body_field", None)
    found: Any = field.field_info.annotation if field is not None and loc[0] == "body" else None
    for name in loc[1:-1]:
        fields = getattr(found, "model_fields", {})
        found = fields[name].annotation if name in fields else None
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def plain(request: Request, status: int, detail: str) -> str:
    """Say what to do about an address that is none, or a method that it does not take."""
    path = request.url.path[:200]
    if detail != HTTPStatus(status).phrase:
        return detail
    if status == HTTPStatus.NOT_FOUND:
        where = "/openapi.json lists what there is" if path.startswith("/v1") else "begin at /"
        return f"there is nothing at {path}: {where}"
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{path} takes no {request.method}: /openapi.json lists what it takes"
    return detail
