"""The OpenAPI document: what the gate adds to every operation is told there as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from slotforge.service.api.gate.doors import asked
from slotforge.service.api.gate.repeats import HEADER, takes
from slotforge.service.api.problems import Problem, documented
from slotforge.service.api.sessions import COOKIE

ABOUT = """Discover heuristics for solvers: start searches, watch them, query what is known and take the best home.

Every error is `application/problem+json`. Lists come in pages: pass `next` of one as `cursor` of the following.
"""
UNSAFE = ("post", "put", "patch", "delete")
TAG = ("ETag", "Of this answer, for If-None-Match; one of many megabytes has none.")
LATER = ("Retry-After", "Seconds after which to ask again.")
ANSWERED = {
    "304": TAG,
    "post 201": ("Location", "Of what was made, where that is one thing."),
    "post 409": ("Retry-After", "Where the same request is being answered: seconds after which to ask again."),
    "401": ("WWW-Authenticate", "How to show a key."),
    "429": LATER,
    "503": LATER,
}
"""Headers of answers by status, or by method and status."""


SCHEMES = {
    "key": {"type": "http", "description": "`slotforge keys add NAME` makes one.", "scheme": "bearer"},
    "session": {"type": "apiKey", "description": "Of a browser.", "in": "cookie", "name": COOKIE},
}


def document(app: FastAPI, routes: Sequence[APIRoute]) -> dict[str, Any]:
    """Make the document, once. routes: those of the application that have a door."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        defined = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(defined.pop("$defs", {}) | {"Problem": defined})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path, operations in made["paths"].items():
            for method, operation in operations.items():
                _complete(path, method, operation)
        for route in routes:
            if route.path in made["paths"] and list(asked(route.dependant)):
                for method in route.methods or ():
                    made["paths"][route.path][method.lower()]["security"] = [{name: []} for name in SCHEMES]
        made["components"]["securitySchemes"] = SCHEMES
        app.openapi_schema = made
    return app.openapi_schema


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    responses, parameters = operation["responses"], operation.setdefault("parameters", [])
    general = (400, 408, 413, 429, 503) if method in UNSAFE else (400, 429, 503)
    for status, told in documented(*general).items():
        responses.setdefault(str(status), told)
    if method == "get" and "200" in responses and "text/event-stream" not in responses["200"].get("content", {}):
        responses.setdefault("304", {"description": "It is what If-None-Match names."})
        parameters.append(_header("If-None-Match", "The ETag of an answer that you have."))
    if method == "post" and takes({"type": "http", "method": "POST", "path": path}):
        responses.setdefault("409", documented(409)[409])
        about = "Sent again with the same key, a request is carried out once and answered alike."
        parameters.append(_header(HEADER, about, pattern="^[!-~]{1,255}$"))
    if not parameters:
        del operation["parameters"]
    for status, told in responses.items():
        alike = "304" if status == "200" and "304" in responses else status
        if found := ANSWERED.get(f"{method} {status}") or ANSWERED.get(alike):
            told.setdefault("headers", {})[found[0]] = {"description": found[1], "schema": {"type": "string"}}


def _header(name: str, about: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": about,
        "schema": {"type": "string", **schema},
    }
