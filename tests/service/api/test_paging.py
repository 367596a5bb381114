"""Lists in pages: every item once, whatever is added meanwhile, and cursors that cannot be forged."""

from __future__ import annotations

import base64
import hashlib
import json
from bisect import bisect_right
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from slotforge.service.api import problems
from slotforge.service.api.keyring import Keyring
from slotforge.service.api.logouts import Logouts
from slotforge.service.api.paging import Page, Paging, _read, paged
from slotforge.service.api.problems import Refusal
from slotforge.service.api.sessions import Sessions

from .conftest import PROBLEM, Make, Site

Row = tuple[float, str]
LISTS = (
    "/v1/runs",
    "/v1/jobs",
    "/v1/keys",
    "/v1/audit",
    "/v1/instances",
    "/v1/suites",
    "/v1/usage",
    "/v1/heuristics",
    "/v1/prompts",
    "/v1/records/prompts",
)


def application(rows: list[Row]) -> TestClient:
    """Serve a sorted list, which may grow, in pages."""
    app = FastAPI()
    problems.install(app)
    app.state.sessions = Sessions(Keyring(None), Logouts(None), b"secret")  # type: ignore[arg-type]

    @app.get("/rows")
    def list_rows(paging: Annotated[Paging, Depends(paged)], even: bool = False) -> Page[Row]:  # noqa: ARG001
        after = paging.after(float, str)
        start = 0 if after is None else bisect_right(rows, tuple(after))
        return paging.page(rows[start : start + paging.limit + 1], lambda row: row)

    @app.get("/rest")
    def list_rest(paging: Annotated[Paging, Depends(paged)]) -> Page[Row]:
        return paging.rest(rows, lambda row: row, float, str)

    return TestClient(app)


keys = st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(keys, unique=True, max_size=30),
    added=st.lists(st.lists(keys, max_size=5), max_size=10),
    limit=st.integers(1, 12),
    path=st.sampled_from(["/rows", "/rest"]),
)
def test_every_item_that_was_there_is_seen_once_while_others_are_added(
    rows: list[Row], added: list[list[Row]], limit: int, path: str
) -> None:
    known = sorted(set(rows))
    client, seen, growing = application(known), list[Row](), iter(added)
    there = list(known)
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = client.get(path, params=query).json()
        assert len(page["items"]) <= limit
        seen += [(at, name) for at, name in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
        known[:] = sorted({*known, *next(growing, [])})
    assert len(seen) == len(set(seen)), "twice"
    assert seen == sorted(seen)
    assert set(there) <= set(seen)


@settings(max_examples=150, deadline=None)
@given(
    cursor=st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode()))
)
def test_what_is_no_cursor_is_refused_with_a_problem(cursor: str) -> None:
    answer = application([(1.0, "a")]).get("/rows", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM


def test_a_cursor_that_was_changed_or_belongs_to_another_list_is_refused() -> None:
    client = application([(float(k), "x") for k in range(9)])
    cursor = client.get("/rows", params={"limit": 3}).json()["next"]
    assert client.get("/rows", params={"limit": 5, "cursor": cursor}).json()["items"][0] == [3.0, "x"]
    assert client.get("/rows", params={"even": True, "cursor": cursor}).status_code == 422
    for place in range(len(cursor)):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        assert client.get("/rows", params={"cursor": changed}).status_code == 422
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    text = base64.urlsafe_b64encode(raw[:16] + b'[0.0,"x"]').decode().rstrip("=")
    assert client.get("/rows", params={"cursor": text}).status_code == 422


@pytest.mark.parametrize("key", ['["a",null]', "[null,null]", '["a"]', f"[{10**30}]", "[1e999]", "[true]", '["b",1]'])
@pytest.mark.parametrize("path", LISTS)
def test_who_knows_how_cursors_are_written_and_not_the_secret_cannot_write_one(
    module_site: Site, path: str, key: str
) -> None:
    scope = hashlib.sha256(json.dumps([path, []]).encode()).digest()
    for length in (8, 16):
        check = hashlib.blake2b(key.encode(), key=scope, digest_size=length).digest()
        cursor = base64.urlsafe_b64encode(check + key.encode()).decode().rstrip("=")
        assert module_site.client.get(path, params={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize("number", [2**63, -(2**63), 10**30])
def test_a_cursor_holds_no_number_that_a_database_does_not(number: int) -> None:
    cursor = Paging(limit=1, seal=b"secret").cursor((number,))
    with pytest.raises(Refusal):
        _read(b"secret", str(cursor))


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1e3", "9" * 5000])
@pytest.mark.parametrize("path", LISTS)
def test_a_page_has_from_1_to_200_items(module_site: Site, path: str, limit: str) -> None:
    assert module_site.client.get(path, params={"limit": limit}).status_code == 422


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_of_another_list_is_refused(module_site: Site, path: str) -> None:
    other = "/v1/heuristics" if path == "/v1/runs" else "/v1/runs"
    assert module_site.client.get(path, params={"cursor": "AAAA"}).status_code == 422
    assert module_site.client.get(other).status_code == 200


def test_lists_are_walked_whole_in_pages_of_one(make: Make) -> None:
    site = make()
    order = {"domain": "optim", "instances": ["matrix_sensing:k=10"], "budget": {"evals": 1}}
    wanted = [site.client.post("/v1/runs", json=order | {"seed": seed}).json()["id"] for seed in range(4)]
    root = site.key("root", "admin")
    for name in ("ann", "bob", "eve"):
        assert site.client.post("/v1/keys", json={"name": name}, headers=root).status_code == 201
    for path, field in (("/v1/jobs", "id"), ("/v1/runs", "id"), ("/v1/keys", "name"), ("/v1/audit", "id")):
        found, cursor = list[Any](), {}
        while True:
            page = site.client.get(path, params={"limit": 1, **cursor}, headers=root).json()
            found += [item[field] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        whole = site.client.get(path, headers=root).json()["items"]
        assert found == [item[field] for item in whole]
        assert len(found) >= 4
        if field == "id" and path != "/v1/audit":
            assert {*wanted} <= {*found}
