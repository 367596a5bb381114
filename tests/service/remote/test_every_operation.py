"""The client offers every operation of the API."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from slotforge.service import client
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings

VERBS = {
    "get": "GET",
    "pages": "GET",
    "download": "GET",
    "events": "GET",
    "post": "POST",
    "upload": "POST",
    "put": "PUT",
    "delete": "DELETE",
}
ELSEWHERE = {
    ("POST", "/v1/suites/{}")
}  # files and suite in one request: the client uploads in parts, and then makes it


def asked() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield verb and path, with any segment in the place of an argument, of all that the client asks for."""
    for function in ast.walk(ast.parse(inspect.getsource(client))):
        if not isinstance(function, ast.FunctionDef):
            continue
        named = {
            node.targets[0].id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("self._to."):
                verb = ast.unparse(call.func).removeprefix("self._to.")
                given = (named.get(one.id, one) if isinstance(one, ast.Name) else one for one in call.args[:2])
                for path in map(_path, given):
                    if path and verb in VERBS:
                        yield VERBS[verb], re.compile(path)


def _path(node: ast.expr) -> str:
    if ast.unparse(node) == "_suite(name)":
        return "/v1/suites/[^/]+"
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[^/]+" for p in parts]
    return "".join(texts) if texts[0].startswith("/v1") else ""


def test_the_client_asks_for_every_operation_that_the_document_has(tmp_path: Path) -> None:
    document = make_app(Settings(store=str(tmp_path / "s.db"))).openapi()
    offered = {
        (verb.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, verbs in document["paths"].items()
        for verb in verbs
        if path.startswith("/v1")
    }
    known = list(asked())
    missing = {(verb, path) for verb, path in offered if not any(verb == v and p.fullmatch(path) for v, p in known)}
    assert missing == ELSEWHERE
