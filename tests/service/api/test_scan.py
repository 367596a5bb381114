"""A scan of every parameter of every operation and page with what has broken other services; see the patterns."""

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

MARK = "xssm4rk"
SCRIPT = f"<script>{MARK}</script>"
PATTERNS: dict[str, tuple[str, ...]] = {
    "path traversal": (
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "....//....//etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "..\\..\\windows\\win.ini",
        "%252e%252e%252fetc%252fpasswd",
        "models:/../../etc/passwd",
        "replay:/etc/passwd",
        "suite:../../etc/passwd",
    ),
    "SSRF": (
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:1/",
        "gopher://127.0.0.1:6379/_INFO",
        "openai:x@http://127.0.0.1:1/v1",
        "//evil.example/x",
    ),
    "SQL": (
        "' OR '1'='1",
        "1; DROP TABLE run; --",
        "ratio) UNION SELECT digest FROM api_key --",
        "id DESC, (SELECT sql FROM sqlite_master)",
        "%' ESCAPE '!",
        '"); SELECT pg_sleep(9); --',
    ),
    "XSS": (SCRIPT, f'"><img src=x onerror={MARK}>', f"javascript:{MARK}", f"{{{{7*7}}}}{SCRIPT}", f"'-{SCRIPT}-'"),
    "bytes": ("\x00", "a\x00b", "\r\nX-Evil: 1", "\ud7ff\uffff", "\u202egnp.exe", "%ff%fe", "é" * 50, "\x1b[31m"),
    "size": ("a" * 3000, "9" * 1000, "-1", "1e308", "NaN", "0x10", "9223372036854775808", "[" * 500, "*" * 200),
}
LEAKS = re.compile(r"root:x:0:0|Traceback \(most recent|sqlite3\.|sqlalchemy|/site-packages/|\[fonts\]")
WAITING = ("/v1/system/checks",)  # it compiles; it has no parameter


@dataclass(frozen=True)
class Place:
    """A parameter of an operation. kind: "path", "query", "header" or "body"."""

    method: str
    path: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.kind} {self.name}"


def places(document: dict[str, Any]) -> Iterator[Place]:
    """Yield every parameter of every operation, and every field of what it takes."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                yield Place(method.upper(), path, parameter["in"], parameter["name"])
            for field in _fields(document, operation.get("requestBody", {}).get("content", {})):
                yield Place(method.upper(), path, "body", field)


def _fields(document: dict[str, Any], content: dict[str, Any]) -> Iterator[str]:
    schema = content.get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    yield from document["components"]["schemas"].get(name, schema).get("properties", {})


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


@pytest.fixture(scope="module")
def ids(module_site: Site) -> dict[str, str]:
    """Name things that are there, so that a request gets further than to the first id."""
    client = module_site.client
    run = client.get("/v1/runs").json()["items"][0]["id"]
    details = client.get(f"/v1/runs/{run}/trials").json()["items"]
    candidate = next(one["candidate"] for one in details if one["candidate"])
    return {"run": run, "candidate": candidate, "other": candidate, "number": "0", "kind": "plugin", "name": "x"}


@pytest.mark.parametrize("share", [2, pytest.param(99, marks=pytest.mark.slow)])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_parameter_of_the_api_breaks_leaks_or_reaches_further(
    module_site: Site, ids: dict[str, str], pattern: str, share: int
) -> None:
    document = module_site.client.get("/openapi.json").json()
    found = [one for one in places(document) if one.path not in WAITING]
    assert len(found) > 60
    for turn, place in enumerate(found):
        for value in chosen(pattern, turn, share):
            answer = ask(module_site, place, value, ids)
            if answer is not None:
                check(str(place), value, answer)


def chosen(pattern: str, turn: int, share: int) -> list[str]:
    """Take some of a pattern's values, others at each turn."""
    values = PATTERNS[pattern]
    return [values[(turn * share + k) % len(values)] for k in range(min(share, len(values)))]


@pytest.mark.parametrize("share", [2, pytest.param(99, marks=pytest.mark.slow)])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_page_breaks_leaks_or_shows_what_it_was_sent_as_markup(
    module_site: Site, ids: dict[str, str], pattern: str, share: int
) -> None:
    for turn, one in enumerate(endpoints(PAGES)):
        if not one.safe:
            continue
        names = re.findall(r"{(\w+)", one.path)
        for value in chosen(pattern, turn, share):
            for name in names or [""]:
                url = one.path
                for other in names:
                    text = value if other == name else ids.get(other, "1")
                    url = re.sub(rf"{{{other}(:\w+)?}}", lambda _, t=text: quote(t, safe="%"), url)
                query = QUERIES if not names or name == names[0] else ()
                answer = module_site.client.get(url, params=dict.fromkeys(query, value))
                check(str(one), value, answer)


QUERIES = ("text", "domain", "slot", "family", "owner", "cursor", "model", "next", "sort", "state", "limit", "other")


def check(what: str, value: str, answer: Any) -> None:
    """Hold an answer against what no answer may be."""
    said = f"{what} with {value[:60]!r}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, said
    assert answer.status_code != 401, said
    assert not LEAKS.search(answer.text), said
    if "html" in answer.headers.get("content-type", ""):
        assert SCRIPT not in answer.text, said
        assert f"<img src=x onerror={MARK}" not in answer.text, said
        assert not re.search(rf"""(href|src|action)=["']?\s*javascript:{MARK}""", answer.text), said
    assert answer.headers["x-content-type-options"] == "nosniff", said
    assert "x-evil" not in answer.headers, said
    where = answer.headers.get("location", "/")
    assert where.startswith("/"), said
    assert not where.startswith("//"), said


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
