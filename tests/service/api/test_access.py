"""Who may do what: keys and scopes, and what is kept of who did what."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from starlette.types import Message

from slotforge.core.errors import Conflict, UsageError
from slotforge.lineage import keys
from slotforge.lineage.audit import audit
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api.access import Caller, Scope
from slotforge.service.api.logs import Lines
from slotforge.service.api.server import check_access
from slotforge.service.api.settings import Settings

from .conftest import OWN_PAGE, PROBLEM, Make, Site
from .routes import API, SITE

ADMIN = {"/v1/keys", "/v1/keys/{name}", "/v1/audit", "/v1/system/checks", "/system/checks"}


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    logging.getLogger("slotforge.service").setLevel(logging.WARNING)


def test_every_route_refuses_who_shows_no_key(site: Site) -> None:
    site.key("ann")
    for one in API:
        answer = site.client.request(one.method, one.url)
        assert (str(one), answer.status_code) == (str(one), 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == PROBLEM


def test_every_page_sends_who_shows_no_key_to_the_login(site: Site) -> None:
    site.key("ann")
    for one in SITE:
        answer = site.client.request(one.method, one.url)
        wanted = (303, True) if one.safe else (401, False)
        assert (str(one), answer.status_code, "/login" in answer.headers.get("location", "")) == (str(one), *wanted)


def test_every_unsafe_route_refuses_who_may_only_read(site: Site) -> None:
    headers = site.key("ann", "read")
    for one in (*API, *SITE):
        answer = site.client.request(one.method, one.url, headers=headers)
        if one.safe and one.path not in {*ADMIN, "/new"}:
            assert answer.status_code not in (401, 403), str(one)
        else:
            assert answer.status_code == 403, str(one)


def test_what_is_the_administrators_refuses_who_may_only_run(site: Site) -> None:
    headers = site.key("ann", "run")
    for one in (*API, *SITE):
        if one.path in ADMIN:
            assert site.client.request(one.method, one.url, headers=headers).status_code == 403, str(one)
        else:
            assert site.client.request(one.method, one.url, headers=headers).status_code not in (401, 403), str(one)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "bearer sf_wrong",
        "Bearer sf_wrong",
        "Bearer sf_wrong sf_wrong",
        "Bearer é",
    ],
)
def test_what_is_no_key_lets_nobody_in(site: Site, header: str) -> None:
    site.key("ann")
    answer = site.client.get("/v1/runs", headers=[(b"authorization", header.encode())])
    assert answer.status_code == 401


def test_two_keys_are_none(site: Site) -> None:
    key = site.key("ann")["Authorization"]
    answer = site.client.get("/v1/runs", headers=[("Authorization", key), ("Authorization", key)])
    assert answer.status_code == 401


def test_a_key_that_is_revoked_or_expired_lets_nobody_in(site: Site) -> None:
    admin, old, gone = site.key("root", "admin"), site.key("old", days=1e-9), site.key("gone")
    assert site.client.get("/v1/runs", headers=old).status_code == 401
    assert site.client.get("/v1/runs", headers=gone).status_code == 200
    assert site.client.delete("/v1/keys/gone", headers=admin).json()["revoked"]
    assert site.client.get("/v1/runs", headers=gone).status_code == 401


def test_revoking_the_last_key_does_not_open_the_service(site: Site) -> None:
    admin = site.key("root", "admin")
    keys.revoke(site.store, "root")
    site.app.state.keyring.forget()
    assert site.client.get("/v1/runs", headers=admin).status_code == 401
    assert site.client.get("/v1/runs").status_code == 401


def test_an_administrator_may_revoke_ones_own_key_unless_none_would_be_left(site: Site) -> None:
    root, _, _ = site.key("root", "admin"), site.key("late", "admin", days=1e-9), site.key("ann", "read", "run")
    refused = site.client.delete("/v1/keys/root", headers=root)
    assert (refused.status_code, refused.headers["content-type"]) == (409, PROBLEM)
    assert "'root' is the last key with the scope 'admin'" in refused.json()["detail"]
    assert site.client.get("/v1/keys", headers=root).status_code == 200
    second = site.key("second", "admin")
    assert site.client.delete("/v1/keys/root", headers=root).json()["revoked"]
    assert site.client.get("/v1/keys", headers=root).status_code == 401
    assert site.client.delete("/v1/keys/root", headers=second).json()["revoked"]
    assert site.client.delete("/v1/keys/second", headers=second).status_code == 409
    told = [(one.action, one.target, one.facts["status"]) for one in audit(site.store, limit=9)]
    assert told == [
        ("DELETE /v1/keys/{name}", *rest) for rest in (("second", 409), ("root", 200), ("root", 200), ("root", 409))
    ]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_administrators_who_revoke_one_another_at_once_leave_one(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    where = request.getfixturevalue("postgres") if kind == "postgres" else str(tmp_path / "store.db")
    with open_store(where) as one, open_store(where) as other, ThreadPoolExecutor(2) as pool:
        for turn in range(5):
            names = [f"{turn}-a", f"{turn}-b"]
            for name in names:
                keys.add_key(one, name, ["admin"])
            started = Barrier(2)

            def revoke(store: SqlStore, name: str, started: Barrier = started) -> bool:
                started.wait(60)
                try:
                    return keys.revoke(store, name, spare_last_admin=True).revoked
                except Conflict:
                    return False

            assert sorted(pool.map(revoke, (one, other), names)) == [False, True]
            for name in names:
                keys.revoke(one, name)


def test_where_a_file_has_a_key_of_all_scopes_every_other_may_be_revoked(make: Make, tmp_path: Path) -> None:
    (file := tmp_path / "token").write_text("x" * 40)
    file.chmod(0o600)
    site = make(token_file=file)
    assert site.client.delete("/v1/keys/root", headers=site.key("root", "admin")).json()["revoked"]


@pytest.mark.parametrize("own", keys.SCOPES)
@pytest.mark.parametrize("wanted", keys.SCOPES)
def test_no_key_makes_one_that_may_do_more_than_itself(own: keys.Scope, wanted: keys.Scope, site: Site) -> None:
    made = site.client.post("/v1/keys", json={"name": "new", "scopes": [wanted]}, headers=site.key("own", own))
    assert made.status_code == (201 if own == "admin" else 403)
    assert made.status_code == 403 or keys.SCOPES.index(wanted) <= keys.SCOPES.index(own)


def test_only_the_digest_of_a_key_is_in_the_store(site: Site) -> None:
    secret = site.client.post("/v1/keys", json={"name": "ann", "scopes": ["read"]}).json()["secret"]
    assert len(secret) > 40
    site.store.flush()
    files = [path for path in Path(site.store.name).parent.glob(f"{Path(site.store.name).name}*") if path.is_file()]
    assert files
    assert not any(secret.encode() in path.read_bytes() for path in files)
    assert any(keys.digest(secret).encode() in path.read_bytes() for path in files)


def test_a_key_is_told_once_and_its_name_is_taken_for_ever(site: Site) -> None:
    made = site.client.post("/v1/keys", json={"name": "ann", "scopes": ["admin"], "limits": {"usd": 2.5}, "days": 7})
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    shown = site.client.get(made.headers["location"], headers=headers)
    assert (shown.json()["limits"]["usd"], shown.json()["scopes"]) == (2.5, ["admin"])
    listed = site.client.get("/v1/keys", headers=headers)
    assert made.json()["secret"] not in shown.text + listed.text
    site.client.delete("/v1/keys/ann", headers=headers)
    with pytest.raises(UsageError, match="choose another name"):
        keys.add_key(site.store, "ann", ["read"])


@pytest.mark.parametrize("name", ["", "local", "token", "Ann", "../x", "a b", "a" * 65, "<b>", "a\n"])
def test_a_key_has_a_plain_name_that_is_nobody_elses(site: Site, name: str) -> None:
    assert site.client.post("/v1/keys", json={"name": name, "scopes": ["read"]}).status_code == 422


def test_the_key_in_a_file_lets_in_and_its_file_must_be_ones_own(make: Make, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789abcdef0123456789abcdef\n")
    token.chmod(0o600)
    site = make(token_file=token)
    assert site.client.get("/v1/keys").status_code == 401
    headers = {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"}
    assert site.client.get("/v1/keys", headers=headers).status_code == 200
    for mode in (0o622, 0o640, 0o604):
        token.chmod(mode)
        with pytest.raises(UsageError, match="chmod 600"):
            make(token_file=token)
    token.chmod(0o600)
    token.write_text("short")
    with pytest.raises(UsageError, match="32 characters"):
        make(token_file=token)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "forge.lab"])
def test_a_service_that_others_can_reach_needs_a_key(host: str) -> None:
    with pytest.raises(UsageError, match="slotforge keys add"):
        check_access(Settings(host=host), keys=False)
    check_access(Settings(host=host), keys=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_a_loopback_needs_none(host: str) -> None:
    check_access(Settings(host=host), keys=False)
    check_access(Settings(allowed_hosts=(host, "LocalHost", "[::1]")), keys=False)


def test_a_service_that_a_proxy_passes_requests_on_to_needs_a_key() -> None:
    settings = Settings(allowed_hosts=("localhost", "forge.lab"))
    with pytest.raises(UsageError, match=r"forge\.lab can be reached"):
        check_access(settings, keys=False)
    check_access(settings, keys=True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "forge.lab"},
        {"Host": "forge.lab", "Authorization": "Bearer sf_none"},
        {"X-Forwarded-For": "10.0.0.9"},
        {"Forwarded": "for=10.0.0.9"},
        {"X-Forwarded-Proto": "https"},
        {"Via": "1.1 cache"},
        {"X-Real-IP": "10.0.0.9"},
        {"CF-Connecting-IP": "10.0.0.9"},
        {"True-Client-IP": "10.0.0.9"},
    ],
)
def test_what_a_proxy_has_passed_on_has_no_rights_where_there_is_no_key(make: Make, headers: dict[str, str]) -> None:
    site = make(allowed_hosts=("forge.lab",))
    for path in ("/v1/runs", "/v1/keys", "/metrics"):
        assert site.client.get(path, headers=headers).status_code == 401
        assert site.client.get(path).status_code == 200
    assert site.client.post("/v1/keys", headers=headers, json={"name": "eve", "scopes": ["admin"]}).status_code == 401
    assert site.client.get("/login", headers=headers).status_code == 200


@pytest.mark.parametrize("settings", [{"trusted_proxies": ("127.0.0.1",)}, {"public_url": "https://forge.lab"}])
def test_nobody_is_local_where_a_proxy_is_expected(make: Make, settings: dict[str, Any]) -> None:
    """A proxy without settings calls the loopback by its own name, and tells nothing of who asks."""
    with pytest.raises(UsageError, match="can be reached from other machines"):
        check_access(Settings(**settings), keys=False)
    assert make(**settings).client.get("/v1/runs").status_code == 401


def test_who_speaks_the_old_http_may_be_a_proxy_without_settings(site: Site) -> None:
    for version, status in (("1.1", 200), ("1.0", 401)):
        said: list[Message] = []
        scope = {
            "type": "http",
            "http_version": version,
            "method": "GET",
            "scheme": "http",
            "path": "/v1/runs",
            "raw_path": b"/v1/runs",
            "query_string": b"",
            "headers": [(b"host", b"localhost:8420")],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 8420),
        }

        async def send(message: Message, said: list[Message] = said) -> None:
            said.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        asyncio.run(site.app(scope, receive, send))
        assert (version, said[0]["status"]) == (version, status)


def test_each_scope_contains_those_before_it(site: Site) -> None:
    site.key("ann", "admin")
    assert Caller.of(keys.key(site.store, "ann")).scopes == frozenset(Scope)
    site.key("bob", "run")
    assert Caller.of(keys.key(site.store, "bob")).scopes == {Scope.READ, Scope.RUN}


def test_a_run_is_changed_by_its_owner_and_by_administrators_alone(site: Site) -> None:
    ann, bob, root = site.key("ann", "run"), site.key("bob", "run"), site.key("root", "admin")
    order = {"domain": "optim", "instances": ["matrix_sensing:k=10"], "budget": {"evals": 1}}
    made = site.client.post("/v1/runs", json=order, headers=ann)
    assert made.status_code == 201, made.text
    for kind in ("runs", "jobs"):
        where = f"/v1/{kind}/{made.json()['id']}"
        assert site.client.post(f"{where}/pause", headers=bob).status_code == 403
        assert site.client.post(f"{where}/pause", headers=ann).json()["state"] == "paused"
        assert site.client.post(f"{where}/resume", headers=root).json()["state"] == "queued"
    assert site.client.get("/v1/jobs", headers=bob, params={"owner": "ann"}).json()["items"][0]["owner"] == "ann"


def test_every_unsafe_request_is_kept_with_who_made_it_and_what_came_of_it(site: Site) -> None:
    ann = site.key("ann", "admin")
    site.client.post("/v1/keys", json={"name": "bob", "scopes": ["read"]}, headers=ann)
    site.client.delete("/v1/keys/bob", headers=ann)
    eve = site.key("eve", "read")
    site.client.delete("/v1/keys/bob", headers=eve)
    site.client.get("/v1/keys", headers=ann)
    done = [(one.actor, one.action, one.target, one.facts["status"]) for one in audit(site.store, limit=9)]
    assert done == [
        ("eve", "DELETE /v1/keys/{name}", "bob", 403),
        ("ann", "DELETE /v1/keys/{name}", "bob", 200),
        ("ann", "POST /v1/keys", "bob", 201),
    ]
    listed = site.client.get("/v1/audit", params={"actor": "ann", "limit": 1}, headers=ann).json()
    assert [one["action"] for one in listed["items"]] == ["DELETE /v1/keys/{name}"]
    assert listed["next"]


def test_the_audit_keeps_nothing_that_acts_on_a_terminal(site: Site) -> None:
    eve = site.key("eve", "read")
    refused = site.client.post("/v1/jobs/%1b]0;owned%07%1b[2J%0aroot/cancel", headers=eve)
    assert refused.status_code == 403
    (kept,) = audit(site.store, limit=9)
    assert kept.target == r"\x1b]0;owned\x07\x1b[2J\x0aroot"


def test_nobody_fills_the_audit_with_refusals(site: Site) -> None:
    readers = [site.key(name) for name in ("ann", "bob")]
    runner = site.key("cid", "run")
    site.client.post("/v1/keys", headers=readers[1], json={})
    for _ in range(30):
        assert site.client.post("/v1/keys", headers=readers[0], json={}).status_code == 403
        assert site.client.post("/v1/runs", headers=runner, json={}).status_code == 422
    kept = [one.actor for one in audit(site.store, limit=99)]
    assert {name: kept.count(name) for name in kept} == {"ann": 20, "bob": 1, "cid": 20}
    before = site.store.written
    site.client.post("/v1/keys", headers=readers[0], json={})
    assert site.store.written == before, "what it would void stays remembered"


def test_refusals_of_who_is_unknown_fill_no_audit(site: Site) -> None:
    site.key("ann")
    for path, status in (("/v1/keys", 401), ("/instances", 401), ("/login", 403)):
        assert site.client.post(path, headers=OWN_PAGE, data={"key": "sf_wrong"}).status_code == status
    assert audit(site.store, limit=9) == ()


def test_no_key_is_in_any_answer_or_line_of_the_log(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = "sk-planted0123456789planted"
    monkeypatch.setenv("OPENAI_API_KEY", planted)
    headers = site.key("ann", "admin")
    secret = headers["Authorization"].removeprefix("Bearer ")
    logging.getLogger("slotforge.service").setLevel(logging.INFO)
    said: list[str] = []
    for one in (*API, *SITE):
        if one.safe and not one.path.endswith("/checks"):
            answer = site.client.get(one.url, headers=headers, params={"text": secret, "key": secret})
            said += [answer.text.replace(f"value=&#34;{secret}", ""), json.dumps(dict(answer.headers))]
    lines = [Lines().format(record) for record in caplog.records]
    assert len(lines) > 10
    shown = [text for text in said if planted in text]
    assert not shown
    assert not [line for line in lines if planted in line or secret in line]
    site.store.flush()
    stored = Path(site.store.name).read_bytes()
    assert planted.encode() not in stored
    assert secret.encode() not in stored
