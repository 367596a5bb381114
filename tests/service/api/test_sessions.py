"""Sessions of browsers: they act with a token that only our own pages have, and end."""

from __future__ import annotations

import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from slotforge.lineage import keys
from slotforge.lineage.audit import audit
from slotforge.service.api import sessions
from slotforge.service.api.sessions import COOKIE, HEADER, LASTS_S

from .conftest import BASE, OWN_PAGE, Make, Site
from .routes import API, SITE, Endpoint


def _login(site: Site, name: str = "ann") -> str:
    """Log in as a browser does, and return the token of its forms."""
    secret = site.key(name, "admin")["Authorization"].removeprefix("Bearer ")
    page = site.client.get("/login").text
    form = {"key": secret, "next": "/", "csrf_token": _token(page)}
    answer = site.client.post("/login", data=form, headers=OWN_PAGE)
    assert answer.status_code == 303, answer.text
    cookie = answer.headers["set-cookie"]
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    assert secret not in cookie
    return _token(site.client.get("/").text)


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', page)
    assert found, page
    return found[1]


def test_a_session_holds_beside_cookies_of_others_whatever_is_in_them(site: Site) -> None:
    _login(site)
    ours = f"{COOKIE}={site.client.cookies[COOKIE]}"
    site.client.cookies.clear()
    for odd in ('a={"b": 1}', "[x]=1", "spaced name=1", "é=ü", 'q="open'):
        header = f"{odd}; {ours}".encode("latin-1")
        answer = site.client.get("/v1/keys", headers=[(b"cookie", header)])
        assert (odd, answer.status_code) == (odd, 200)


def test_a_session_reads_with_its_cookie_and_acts_with_the_token_of_its_page(site: Site) -> None:
    token = _login(site)
    body = {"name": "bob", "scopes": ["read"]}
    assert site.client.get("/v1/keys").status_code == 200
    assert site.client.post("/v1/keys", json=body).status_code == 403, "a cookie alone"
    assert site.client.post("/v1/keys", json=body, headers={**OWN_PAGE, HEADER: "0" * 64}).status_code == 403
    local = site.app.state.sessions.token(None)
    assert site.client.post("/v1/keys", json=body, headers={**OWN_PAGE, HEADER: local}).status_code == 403
    foreign = {HEADER: token, "Origin": "http://evil.example"}
    assert site.client.post("/v1/keys", json=body, headers=foreign).status_code == 403
    assert site.client.post("/v1/keys", json=body, headers={**OWN_PAGE, HEADER: token}).status_code == 201


def test_every_unsafe_route_refuses_a_session_without_its_token(site: Site) -> None:
    _login(site)
    for one in (*API, *SITE, Endpoint("/logout", "POST")):
        if not one.safe:
            answer = site.client.request(one.method, one.url, headers=OWN_PAGE)
            assert (str(one), answer.status_code) == (str(one), 403)


def test_a_browser_needs_the_token_even_where_nobody_needs_a_key(site: Site) -> None:
    body = {"name": "bob", "scopes": ["read"]}
    for headers in (OWN_PAGE, {"Origin": BASE}, {"Sec-Fetch-Site": "none"}, {"Cookie": "other=1"}):
        assert site.client.post("/v1/keys", json=body, headers=headers).status_code == 403
    token = site.app.state.sessions.token(None)
    assert site.client.post("/v1/keys", json=body, headers={**OWN_PAGE, HEADER: token}).status_code == 201


def test_a_session_ends_with_its_key_with_its_time_and_at_the_logout(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = _login(site)
    cookie = site.client.cookies[COOKIE]
    keyring, sessions = site.app.state.keyring, site.app.state.sessions
    assert sessions.key(cookie).name == "ann"
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + LASTS_S + 5)
        assert sessions.key(cookie) is None
    keys.revoke(site.store, "ann")
    keyring.forget()
    assert sessions.key(cookie) is None
    assert site.client.get("/v1/runs").status_code == 401
    answer = site.client.post("/logout", data={"csrf_token": token}, headers=OWN_PAGE)
    assert answer.status_code == 303
    assert COOKIE not in site.client.cookies


def test_a_session_that_was_left_is_worth_nothing_on_any_server(make: Make) -> None:
    site, other = make(), make()
    token, cookie = _login(site), site.client.cookies[COOKIE]
    header = {"Cookie": f"{COOKIE}={cookie}"}
    assert other.client.get("/v1/runs", headers=header).status_code == 200
    site.client.post("/logout", data={"csrf_token": token}, headers=OWN_PAGE)
    assert site.client.get("/v1/runs", headers=header).status_code == 401
    other.app.state.sessions._logouts._looked.clear()
    assert other.client.get("/v1/runs", headers=header).status_code == 401
    _login(site, "bob")
    assert site.client.get("/v1/runs").status_code == 200, "another session goes on"


@pytest.mark.parametrize(("url", "secure"), [(None, False), ("http://forge.lab", False), ("https://forge.lab", True)])
def test_behind_a_proxy_with_tls_the_cookie_goes_no_other_way(make: Make, url: str | None, secure: bool) -> None:
    site = make(public_url=url)
    site.key("ann", "admin")
    secret = site.key("bob", "admin")["Authorization"].removeprefix("Bearer ")
    page = site.client.get("/login")
    form = {"key": secret, "next": "/", "csrf_token": _token(page.text)}
    answer = site.client.post("/login", data=form, headers=OWN_PAGE)
    assert ("secure" in answer.headers["set-cookie"].lower()) is secure
    assert ("strict-transport-security" in page.headers) is secure
    if url:
        assert site.client.get("/health", headers={"Host": "forge.lab"}).status_code == 200


def test_the_audit_tells_who_has_logged_in_and_out_and_where_a_login_was_refused(site: Site) -> None:
    token = _login(site)
    site.client.post("/logout", data={"csrf_token": token}, headers=OWN_PAGE)
    form = {"key": "sf_wrong", "next": "/", "csrf_token": _token(site.client.get("/login").text)}
    for _ in range(30):
        assert site.client.post("/login", data=form, headers=OWN_PAGE).status_code == 401
    told = [(one.actor, one.action, one.target, one.facts["status"]) for one in audit(site.store, limit=99)]
    assert told[-2:] == [("ann", "POST /logout", "ann", 303), ("ann", "POST /login", "ann", 303)]
    assert set(told[:-2]) == {("", "POST /login", "testclient", 401)}
    assert len(told) == 22, "nobody fills the audit by guessing"


@pytest.mark.parametrize("change", ["name", "expires", "nonce", "signature", "short", "empty", "unicode"])
def test_a_cookie_that_was_tampered_with_is_none(site: Site, change: str) -> None:
    _login(site)
    site.key("root", "admin")
    name, expires, nonce, signature = site.client.cookies[COOKIE].split(":")
    changed = {
        "name": f"root:{expires}:{nonce}:{signature}",
        "expires": f"{name}:{int(expires) + 1}:{nonce}:{signature}",
        "nonce": f"{name}:{expires}:x{nonce}:{signature}",
        "signature": f"{name}:{expires}:{nonce}:{'0' * 64}",
        "short": f"{name}:{expires}",
        "empty": "",
        "unicode": f"{name}:{expires}:{nonce}:é",
    }[change]
    assert site.app.state.sessions.key(changed) is None


def test_the_secret_of_sessions_is_there_whole_or_not_at_all_and_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, make = tmp_path / "secret", secrets.token_hex
    started = Barrier(8)

    def slow(length: int) -> str:
        started.wait(60)
        assert not path.exists(), "another server would read what is not yet written"
        started.wait(60)
        return make(length)

    monkeypatch.setattr(secrets, "token_hex", slow)
    with ThreadPoolExecutor(8) as pool:
        found = {*pool.map(sessions.secret, [path] * 8)}
    assert found == {path.read_bytes()}
    assert (len(path.read_bytes()), path.stat().st_mode & 0o777) == (2 * sessions.SECRET_BYTES, 0o600)
    assert [one.name for one in tmp_path.iterdir() if "secret" in one.name] == ["secret"]
    assert sessions.secret(path) == path.read_bytes()
