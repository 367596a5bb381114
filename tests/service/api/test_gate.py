"""What stands before every route: hosts, origins, headers, rates, tags and the trail."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from slotforge.service.api.gate.callers import Rates
from slotforge.service.api.gate.headers import ALWAYS
from slotforge.service.api.logs import FIELDS
from slotforge.service.api.server import configured
from slotforge.service.api.settings import Settings

from .conftest import BASE, PROBLEM, Make, Site


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


def test_threads_that_ask_at_once_are_all_counted() -> None:
    rates, before = Rates(rate=1e-9, burst=20), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            let_in = sum(wait == 0 for wait in pool.map(lambda _: rates.wait("a"), range(20_000)))
    finally:
        sys.setswitchinterval(before)
    assert let_in == 20


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


def test_a_path_is_answered_as_it_is_and_never_sent_elsewhere(site: Site) -> None:
    for path in ("/v1/runs/", "/%2f%2fevil.example/", "/v1//runs", "/docs", "/redoc"):
        assert site.client.get(path).status_code == 404, path
