"""A scan of every parameter of every operation with what has broken other services; pages have one of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from slotforge.service.api.app import PAGES

from .conftest import Site
from .routes import endpoints
from .scanning import MARK, PATTERNS, SCRIPT, check, values

WAITING = ("/v1/system/checks",)  # it compiles; it has no parameter


@dataclass(frozen=True)
class Place:
    """A parameter of an operation. kind: "path", "query", "header" or "body"; text: whether it may be any text."""

    method: str
    path: str
    kind: str
    name: str
    text: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.kind} {self.name}"


def places(document: dict[str, Any]) -> Iterator[Place]:
    """Yield every parameter of every operation, and every field of what it takes."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                yield Place(method.upper(), path, parameter["in"], parameter["name"], is_text(parameter["schema"]))
            for field, schema in _fields(document, operation.get("requestBody", {}).get("content", {})).items():
                yield Place(method.upper(), path, "body", field, is_text(schema))


def _fields(document: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    schema = content.get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"].get(name, schema).get("properties", {})


def is_text(schema: dict[str, Any]) -> bool:
    """Say whether a schema takes some text that it does not list, by itself or in a list."""
    inner = [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]
    return any(map(is_text, inner)) or (schema.get("type") == "string" and not {"enum", "const"} & {*schema})


def ask(site: Site, place: Place, value: str, ids: dict[str, str]) -> Any:
    """Send a request that is sound but for one parameter."""
    filled = {name: ids.get(name, "1") for name in re.findall(r"{(\w+)}", place.path)}
    if place.kind == "path":
        filled[place.name] = value
    url = place.path
    for name, text in filled.items():
        url = url.replace(f"{{{name}}}", quote(text, safe="%"))
    body = {place.name: value} if place.kind == "body" else {} if place.method in ("POST", "PUT") else None
    headers = [(place.name.encode(), value.encode("utf-8", "replace"))] if place.kind == "header" else []
    if place.kind == "header" and re.search(r"[\r\n\x00]", value):
        return None  # no client can send it, and no server takes it
    query = {place.name: value} if place.kind == "query" else None
    return site.client.request(place.method, url, params=query, json=body, headers=headers)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_parameter_of_the_api_breaks_leaks_or_reaches_further(
    module_site: Site, ids: dict[str, str], pattern: str
) -> None:
    document = module_site.client.get("/openapi.json").json()
    found = [one for one in places(document) if one.path not in WAITING]
    assert len(found) > 60
    assert sum(one.text for one in found) > 40
    for turn, place in enumerate(found):
        for value in values(pattern, turn, text=place.text):
            answer = ask(module_site, place, value, ids)
            if answer is not None:
                check(str(place), value, answer)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"name":"\\ud800"}',
        b'{"\\ud800":1}',
        b'{"name":' + b"9" * 100_000 + b"}",
        b'{"seed":1e999}',
        b'{"seed":NaN}',
        b"\xff\xfe\x00",
        b"\x00" * 1000,
        b'{"name":"a","name":"b","scopes":["admin"],"unknown":{}}',
    ],
)
def test_no_body_breaks_an_operation(module_site: Site, ids: dict[str, str], body: bytes) -> None:
    document = module_site.client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in sorted({"post", "put"} & {*operations}):
            url = re.sub(r"{(\w+)}", lambda match: ids.get(match[1], "1"), path)
            for kind in ("application/json", "multipart/form-data; boundary=x", "nonsense"):
                answer = module_site.client.request(method, url, content=body, headers={"Content-Type": kind})
                check(f"{method} {path} {kind}", repr(body[:30]), answer)


def test_a_stored_text_of_a_model_is_never_markup(module_site: Site, ids: dict[str, str]) -> None:
    # what a model writes is in sources, reasons and exchanges
    from sqlalchemy import update

    from slotforge.lineage.schema import Completion, Source, Trial

    with module_site.store.writing() as connection:
        connection.execute(update(Source).values(text=f"/* {SCRIPT} */ </pre>{SCRIPT}"))
        connection.execute(update(Trial).where(Trial.reason != "").values(reason=SCRIPT))
        connection.execute(update(Completion).values(text=SCRIPT, model=SCRIPT))
    pages = [one for one in endpoints(PAGES) if one.safe]
    shown = 0
    for one in pages:
        url = re.sub(r"{(\w+)(:\w+)?}", lambda match: ids.get(match[1], "x"), one.path)
        answer = module_site.client.get(url)
        shown += MARK in answer.text
        check(str(one), "a stored text", answer)
    assert shown, "some page shows it, as text"


def test_nothing_outside_the_folder_of_files_is_served(module_site: Site) -> None:
    secret = Path(module_site.store.name).name
    for value in (*PATTERNS["path traversal"], f"../{secret}", "%2e%2e/%2e%2e/pages/login.py", "..%5cbase.html"):
        answer = module_site.client.get(f"/static/{quote(value, safe='%/')}")
        assert answer.status_code in (400, 404, 422), value


def test_a_run_names_no_path_no_url_and_no_program(module_site: Site) -> None:
    order = {"domain": "sat", "instances": ["tseitin:48"], "budget": {"evals": 1}}
    forbidden = [
        {"instances": ["/etc/passwd"]},
        {"instances": ["../x.cnf"]},
        {"instances": ["http://169.254.169.254/"]},
        {"model": "replay:/etc/passwd"},
        {"model": "replay:recording.jsonl"},
        {"model": "openai:gpt-5"},
        {"base_url": "http://evil.example/v1"},
        {"executor": "ray"},
        {"options": {"prompts": "/etc/passwd"}},
        {"domain": "os"},
        {"domain": "slotforge.testing.landscape"},
        {"strategy": "../x"},
        {"workers": 10**9},
    ]
    for part in forbidden:
        answer = module_site.client.post("/v1/runs", json=order | part)
        assert answer.status_code in (404, 422), (part, answer.text)
    assert json.loads(module_site.client.get("/v1/jobs").text)["items"] == []
