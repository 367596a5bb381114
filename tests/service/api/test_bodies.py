"""How much is read of what is sent, of whom, and how long it is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message

from slotforge.service.api.gate import bodies

from .conftest import PROBLEM, Make, Site
from .routes import Endpoint, endpoints


def test_a_body_that_is_too_long_is_refused_by_its_length_before_it_is_read(make: Make) -> None:
    site, read = make(body_bytes=1000), list[int]()

    def parts() -> Iterator[bytes]:
        read.append(1)
        yield b" " * 2000

    answer = site.client.post("/v1/keys", content=parts(), headers={"Content-Length": "2000"})
    assert answer.status_code == 413
    assert "1,000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/runs", "/login", "/v1/instances", "/v1/nowhere"])
def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_long(make: Make, path: str) -> None:
    site = make(body_bytes=1000, upload_bytes=5000)
    headers = {"Content-Type": "application/x-www-form-urlencoded" if path == "/login" else "application/json"}
    answer = site.client.post(path, content=iter([b"a" * 400] * 1000), headers=headers)
    assert answer.status_code in (404, 413), answer.text
    assert answer.status_code == 413 or path == "/v1/nowhere"


@pytest.mark.parametrize("length", ["-1", "1e9", "٣", "9" * 400])
def test_a_length_that_is_no_number_or_no_length_is_refused(site: Site, length: str) -> None:
    answer = site.client.post("/v1/keys", content=b"{}", headers=[(b"content-length", length.encode())])
    assert answer.status_code in (400, 413)


UNSAFE = [one for one in endpoints() if not one.safe]


def ask(site: Site, one: Endpoint, **headers: str) -> int:
    """Send a request that has a body without an end, and fail where any of it is read; return the status."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError(f"{one} was read")

    async def send(message: Message) -> None:
        sent.append(message)

    told = {"host": "localhost", "transfer-encoding": "chunked", **headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    scope = {"type": "http", "method": one.method, "path": one.url, "query_string": b"", "headers": raw}
    asyncio.run(site.app({**scope, "root_path": "", "scheme": "http"}, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_nothing_is_read_of_who_may_not_send_it(site: Site, kind: str) -> None:
    headers = {**site.key("ann", "read"), "content-type": kind, "idempotency-key": "one"}
    for one in UNSAFE:
        if one.path not in ("/login", "/logout"):
            assert (str(one), ask(site, one, **{"content-type": kind, "idempotency-key": "one"})) == (str(one), 401)
            assert (str(one), ask(site, one, **headers)) == (str(one), 403)


def test_a_browser_is_told_on_a_page_that_it_may_not(site: Site) -> None:
    site.key("ann")
    answer = site.client.post("/instances", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("method", "path", "kind", "long"),
    [
        ("POST", "/v1/instances", "application/octet-stream", True),
        ("POST", "/v1/instances", "Multipart/Form-Data; boundary=x", True),
        ("POST", "/v1/suites/a", "multipart/form-data; boundary=x", True),
        ("POST", "/instances", "multipart/form-data; boundary=x", True),
        ("POST", "/new", "multipart/form-data; boundary=x", True),
        ("PUT", "/v1/suites/a", "application/json", False),
        ("PUT", "/v1/suites/a", "application/octet-stream", False),
        ("POST", "/v1/suites/a", "application/json", False),
        ("POST", "/v1/instances", "application/x-www-form-urlencoded", False),
        ("POST", "/instances/a/delete", "multipart/form-data; boundary=x", False),
        ("POST", "/suites", "multipart/form-data; boundary=x", False),
        ("POST", "/login", "multipart/form-data; boundary=x", False),
    ],
)
def test_files_alone_may_be_long(make: Make, method: str, path: str, kind: str, long: bool) -> None:
    site = make(body_bytes=1000, upload_bytes=5000)
    for length in (1001, 5001):
        answer = site.client.request(method, path, content=b" " * length, headers={"Content-Type": kind})
        assert (answer.status_code == 413) == (length == 5001 or not long), answer.text


def test_a_body_without_a_length_is_refused_alike_where_its_answer_would_be_kept(make: Make) -> None:
    site = make(body_bytes=1000)
    headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    answer = site.client.post("/v1/runs", content=iter([b" " * 400] * 10), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert "1,000 bytes" in answer.json()["detail"]


def test_no_more_uploads_come_in_at_once_than_may(make: Make) -> None:
    site, statuses = make(uploads=2), list[int]()
    raw = [(b"host", b"localhost"), (b"content-type", b"application/octet-stream")]
    scope = {"type": "http", "method": "POST", "path": "/v1/instances", "query_string": b"", "headers": raw}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def upload(come: asyncio.Event, waits: asyncio.Event) -> None:
        async def receive() -> Message:
            waits.set()
            await come.wait()
            return {"type": "http.request", "body": b"p cnf 1 1\n1 0\n", "more_body": False}

        await site.app({**scope, "root_path": "", "scheme": "http", "http_version": "1.1"}, receive, send)

    async def all_at_once() -> None:
        come, there = asyncio.Event(), [asyncio.Event() for _ in range(3)]
        first = [asyncio.create_task(upload(come, waits)) for waits in there[:2]]
        await asyncio.gather(*(waits.wait() for waits in there[:2]))
        await upload(come, there[2])
        assert (statuses, there[2].is_set()) == ([503], False)
        come.set()
        await asyncio.gather(*first)
        await upload(come, there[2])

    asyncio.run(all_at_once())
    assert statuses == [503, 201, 201, 201]


@pytest.mark.parametrize("path", ["/v1/instances", "/v1/suites/mine", "/v1/runs"])
def test_what_trickles_is_not_waited_for_and_holds_no_place(
    path: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.3)
    site, told = make(uploads=1), list[Message]()
    kind = b"application/json" if path == "/v1/runs" else b"application/octet-stream"
    raw = [(b"host", b"localhost"), (b"content-type", kind)]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": raw}

    async def trickle() -> Message:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def keep(message: Message) -> None:
        told.append(message)

    asyncio.run(site.app({**scope, "root_path": "", "scheme": "http", "http_version": "1.1"}, trickle, keep))
    assert told[0]["status"] == 408
    assert b"the body came too slowly" in told[1]["body"]
    assert site.client.post("/v1/instances?name=a.cnf", content=b"p cnf 1 1\n1 0\n").status_code == 201


def test_an_uploaded_file_may_be_longer_than_other_bodies(make: Make) -> None:
    site = make(body_bytes=100)
    clauses = b"".join(b"%d -%d 0\n" % (k, k + 1) for k in range(1, 100))
    answer = site.client.post("/v1/instances?name=a.cnf", content=b"p cnf 100 99\n" + clauses)
    assert answer.status_code == 201, answer.text
