"""What stands before every route: hosts, origins, headers, bodies, rates, tags and the trail."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient
from starlette.types import Message

from slotforge.core.errors import Unavailable
from slotforge.lineage import ledger
from slotforge.service.api.gate import bodies
from slotforge.service.api.gate.callers import Rates
from slotforge.service.api.gate.headers import ALWAYS
from slotforge.service.api.logs import FIELDS, Lines, hide
from slotforge.service.api.server import OVERDUE_S, Worker, configured
from slotforge.service.api.settings import Settings
from slotforge.service.jobs.supervisor import Supervisor

from .conftest import BASE, Make, Site
from .routes import Endpoint, endpoints

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8420", "127.0.0.1", "127.0.0.1:1", "[::1]:8420", "[0:0:0:0:0:0:0:1]", "forge.lab:443"],
)
def test_a_host_of_ours_is_let_in_whatever_its_case_port_or_notation(make: Make, host: str) -> None:
    assert make(allowed_hosts=("Forge.Lab",)).client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost.",
        "localhost:99999",
        "localhost:80:80",
        "evil.example@localhost",
        "localhost/../evil",
        "[::1",
        "[::2]",
        "[localhost]",
        "2130706433",
        "0.0.0.0",
        "",
        "localhost, evil.example",
        "local host",
    ],
)
def test_another_host_is_refused_even_on_the_loopback(site: Site, host: str) -> None:
    for path in ("/health", "/v1/runs", "/", "/static/style.css"):
        answer = site.client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)


def test_two_hosts_are_none(site: Site) -> None:
    assert site.client.get("/health", headers=[("Host", "localhost"), ("Host", "localhost")]).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "http://localhost:8420/x"},
        {"Origin": "file://localhost:8420"},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:8420", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_of_another_site_can_do_nothing(site: Site, headers: dict[str, str]) -> None:
    for path in ("/v1/keys", "/login", "/new", "/v1/instances"):
        answer = site.client.post(path, headers=headers, json={"name": "eve", "scopes": ["admin"]})
        assert answer.status_code == 403, path
    assert site.client.get("/v1/keys").json()["items"] == []


def test_no_answer_invites_another_site(site: Site) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for answer in (site.client.options("/v1/runs", headers=asked), site.client.get("/v1/runs", headers=asked)):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/v1/runs", "/", "/login", "/static/style.css", "/v1/runs/zz"])
def test_every_answer_tells_browsers_what_they_may_do_with_it(site: Site, path: str) -> None:
    answer = site.client.get(path)
    for name, value in ALWAYS.items():
        assert answer.headers[name] == value
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe-eval" not in answer.headers["content-security-policy"]
    if not path.startswith("/static"):
        assert answer.headers["cache-control"] == "no-store"


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


def test_a_caller_who_asks_too_often_is_told_when_to_ask_again(make: Make) -> None:
    site = make(requests_per_s=0.001, burst=3)
    ann, bob = site.key("ann"), site.key("bob")
    assert [site.client.get("/v1/jobs", headers=ann).status_code for _ in range(5)] == [200] * 3 + [429] * 2
    refused = site.client.get("/v1/jobs", headers=ann)
    assert refused.headers["content-type"] == PROBLEM
    assert int(refused.headers["retry-after"]) > 0
    assert site.client.get("/v1/jobs", headers=bob).status_code == 200, "each key has its own rate"


@pytest.mark.parametrize(("trusted", "seen"), [((), 3), (("10.9.8.7",), 3), (("127.0.0.1",), 5), (("127.0.0.0/8",), 5)])
def test_an_address_is_that_of_a_proxy_unless_its_word_is_taken(
    make: Make, caplog: pytest.LogCaptureFixture, trusted: tuple[str, ...], seen: int
) -> None:
    """Who guesses keys cannot be another one each time by a header, nor be another one in the log."""
    site = make(requests_per_s=0.001, burst=3, trusted_proxies=trusted)
    site.key("ann")
    config = configured(site.app, site.app.state.context.settings)
    config.load()
    caplog.set_level(logging.INFO, logger="slotforge.service")
    with TestClient(config.loaded_app, base_url=BASE, client=("127.0.0.1", 5)) as client:
        forged = [
            client.get("/v1/jobs", headers={"Authorization": f"Bearer sf_{k}", "X-Forwarded-For": f"10.0.0.{k}"})
            for k in range(5)
        ]
    assert [one.status_code for one in forged] == [401] * seen + [429] * (5 - seen)
    clients = {line.__dict__[FIELDS]["client"] for line in caplog.records if line.message == "answered"}
    assert clients == ({f"10.0.0.{k}" for k in range(5)} if seen == 5 else {"127.0.0.1"})


@pytest.mark.parametrize("wrong", ["*", "proxy.lab", "10.0.0.1/8", "unix:"])
def test_whose_word_is_taken_is_told_by_addresses_alone(wrong: str) -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(trusted_proxies=(wrong,))


def test_who_guesses_keys_is_slowed_down_by_address(make: Make) -> None:
    site = make(requests_per_s=0.001, burst=3)
    site.key("ann")
    guesses = [site.client.get("/v1/jobs", headers={"Authorization": f"Bearer sf_{k}"}).status_code for k in range(5)]
    assert guesses == [401] * 3 + [429] * 2


def test_rates_fill_up_again_with_time() -> None:
    now = [0.0]
    rates = Rates(rate=2, burst=2, clock=lambda: now[0])
    assert [rates.wait("a"), rates.wait("a")] == [0, 0]
    assert rates.wait("a") == pytest.approx(0.5)
    now[0] = 0.5
    assert rates.wait("a") == 0
    assert rates.wait("a") > 0
    now[0] = 100
    assert [rates.wait("a") == 0 for _ in range(3)] == [True, True, False]


def test_an_answer_that_is_known_is_not_sent_again(site: Site) -> None:
    first = site.client.get("/v1/runs")
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = site.client.get("/v1/runs", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert site.client.get("/v1/runs", headers={"If-None-Match": '"other"'}).content == first.content
    assert "etag" not in site.client.get("/v1/runs/zz").headers


def test_the_tag_changes_with_the_answer(site: Site) -> None:
    before = site.client.get("/v1/keys").headers["etag"]
    headers = site.key("ann", "admin")
    assert site.client.get("/v1/keys", headers={**headers, "If-None-Match": before}).status_code == 200


def test_every_request_has_an_id_and_one_from_outside_cannot_forge_lines(site: Site) -> None:
    assert site.client.get("/health").headers["x-request-id"] != site.client.get("/health").headers["x-request-id"]
    given = {"X-Request-ID": "0123-abcd-EFGH"}
    assert site.client.get("/health", headers=given).headers["x-request-id"] == "0123-abcd-EFGH"
    for bad in ("short", "a" * 65, "abcdefgh\tinjected", 'abcdefgh"}'):
        assert site.client.get("/health", headers={"X-Request-ID": bad}).headers["x-request-id"] != bad


@pytest.mark.parametrize("value", ["a%0d%0aSet-Cookie:%20x=1", "a%0aX-Evil:%201", "%00", "a%E2%80%A8b"])
def test_no_parameter_ends_a_header_line(site: Site, value: str) -> None:
    for path in (f"/v1/runs/{value}", f"/v1/candidates/{value}", f"/v1/artefacts/{value}", f"/login?next=/{value}"):
        answer = site.client.get(path)
        assert answer.status_code < 500
        assert not {"set-cookie", "x-evil"} & {*answer.headers}


def test_a_fault_is_answered_without_its_reason_and_logged_with_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(site.app.state.context.queue), "jobs", broken)
    answer = site.client.get("/v1/jobs")
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "secret detail" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["detail"]
    assert any(record.exc_info and "secret detail" in str(record.exc_info[1]) for record in caplog.records)


def test_a_line_of_the_log_is_one_json_object_that_names_the_request(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="slotforge.service"):
        answer = site.client.get("/v1/runs/zz%0a%7B?token=sf_hidden")
    (line,) = [Lines().format(record) for record in caplog.records if record.name == "slotforge.service"]
    said = json.loads(line)
    assert "\n" not in line
    assert said["request"] == answer.headers["x-request-id"]
    assert (said["method"], said["route"], said["status"], said["caller"]) == ("GET", "/v1/runs/{run}", 404, "local")
    assert "sf_hidden" not in line


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer {}",
        "key sf_{}",
        "sk-{}",
        "postgresql://user:{}@host/db",
        "Cookie: a=1; slotforge_session=ann:1:2:{}; b=2",
    ],
)
def test_the_log_hides_what_looks_like_a_secret(text: str) -> None:
    secret = "planted0123456789planted0123456789"
    assert secret in text.format(secret)
    assert secret not in hide(text.format(secret))


def test_figures_count_requests_by_route_and_jobs_by_state(site: Site) -> None:
    site.client.get("/v1/runs")
    site.client.get("/v1/runs/zz")
    site.client.request("BREW", "/v1/runs")
    site.client.get("/openapi.json")
    text = site.client.get("/metrics").text
    assert 'slotforge_requests_total{method="GET",route="/v1/runs",status="200"} 1.0' in text
    assert 'slotforge_requests_total{method="GET",route="/v1/runs/{run}",status="404"} 1.0' in text
    assert "BREW" not in text
    assert 'slotforge_requests_total{method="GET",route="/openapi.json",status="200"} 1.0' in text
    assert "slotforge_job_waiting_seconds 0.0" in text
    assert "slotforge_jobs_taken 0.0" in text
    spent = re.search(r"^slotforge_cpu_seconds (\S+)$", text, re.MULTILINE)
    assert spent is not None
    assert 0 < float(spent[1]) <= sum(line.cpu_s for line in ledger.usage(site.store))
    assert "slotforge_trials 90.0" in text
    assert "slotforge_streams_open 0.0" in text


def test_ready_says_when_the_database_or_the_jobs_are_not_looked_after(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(_: object) -> None:
        raise Unavailable("the store is locked")

    monkeypatch.setattr(Supervisor, "_look", locked)
    assert site.client.get("/ready").status_code == 200
    supervisor = Supervisor(site.app.state.context.queue, 1)
    site.app.state.supervisor = worker = Worker(supervisor)
    assert "the supervisor of jobs has stopped" in site.client.get("/ready").json()["detail"]
    with worker:
        assert site.client.get("/ready").status_code == 200
        supervisor.looked = time.monotonic() - 2 * OVERDUE_S
        late = site.client.get("/ready")
        assert late.status_code == 503
        assert "jobs were last looked after 12" in late.json()["detail"]
    site.store.close()
    assert site.client.get("/health").status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/html"}, {"Idempotency-Key": "one"}])
def test_where_the_database_is_stays_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    where = Path(site.store.name)
    with closing(sqlite3.connect(where)) as other:
        other.execute("DROP TABLE job")
    method, path = ("GET", "/system") if "Accept" in headers else ("POST", "/v1/jobs/abcd/pause")
    answer = site.client.request(method, path, headers=headers)
    assert answer.status_code == 503, answer.text
    assert "ask again" in answer.text
    assert where.name not in answer.text
    assert "no such table" not in answer.text
    assert any(str(where) in record.getMessage() for record in caplog.records)


def test_a_path_is_answered_as_it_is_and_never_sent_elsewhere(site: Site) -> None:
    for path in ("/v1/runs/", "/%2f%2fevil.example/", "/v1//runs", "/docs", "/redoc"):
        assert site.client.get(path).status_code == 404, path
