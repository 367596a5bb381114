"""Instances and suites through the API: what is sent comes back, and what is wrong is one clear line."""

from __future__ import annotations

import gzip
import hashlib
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from slotforge.lineage.allowance import Allowance
from slotforge.lineage.keys import add_key
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api import access
from slotforge.service.api.access import Caller, Scope
from slotforge.service.api.app import make_app
from slotforge.service.api.settings import Settings
from slotforge.service.instances.limits import Limits

from .test_unpack import MIB, archive, bomb

FORMULA = b"p cnf 3 2\n1 -3 0\n2 3 -1 0\n"
ID = hashlib.sha256(FORMULA).hexdigest()
OTHER = b"p cnf 1 1\n1 0\n"
RAW = {"content-type": "application/octet-stream"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    with open_store(tmp_path_factory.mktemp("api") / "store.db") as store:
        yield store


@pytest.fixture
def client(store: SqlStore, tmp_path: Path, home: Path) -> Iterator[TestClient]:  # noqa: ARG001 # settings lie in it
    app = make_app(Settings(secret_file=tmp_path / "secret", upload_bytes=4 * MIB), store)
    with TestClient(app, base_url="http://127.0.0.1:8420") as client:
        yield client


def parts(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", file) for file in files]


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    detail: str = answer.json()["detail"]
    assert "\n" not in detail
    return detail


def test_who_may_keep_no_more_is_told_so(tmp_path: Path, home: Path) -> None:  # noqa: ARG001 # settings lie in it
    with open_store(tmp_path / "store.db") as store:
        limits = Allowance(bytes=len(FORMULA) + len(OTHER) - 1)
        secret = {"Authorization": f"Bearer {add_key(store, 'ann', ['run'], limits=limits).secret}"}
        app = make_app(Settings(secret_file=tmp_path / "secret"), store)
        with TestClient(app, base_url="http://127.0.0.1:8420", headers=secret) as client:
            files = parts(("a.cnf", FORMULA), ("b.cnf", OTHER), ("c.cnf", b"nonsense"))
            told = (
                f"b.cnf: ann may keep {limits.bytes} bytes of instances, has {len(FORMULA)}, and this one has "
                f"{len(OTHER)}: delete some that no suite holds"
            )
            for path in ("/v1/instances", "/v1/suites/mine"):
                assert problem(client.post(path, files=files), 413) == f"{told}; what came before it is kept"
            assert [one["id"] for one in client.get("/v1/instances").json()["items"]] == [ID]
            problem(client.get("/v1/suites/mine"), 404)
            assert client.put("/v1/suites/mine", json={"instances": [ID]}).status_code == 200
            problem(client.post("/v1/suites/mine", files=files[1:]), 413)
            assert [one["id"] for one in client.get("/v1/suites/mine").json()["items"]] == [ID]
            client.delete("/v1/suites/mine")
            raw = client.post("/v1/instances", content=OTHER, headers=RAW, params={"name": "b.cnf"})
            assert problem(raw, 413) == told
            assert client.post("/v1/instances", content=FORMULA, headers=RAW).status_code == 201, "it is there already"
            client.delete(f"/v1/instances/{ID}")
            assert client.post("/v1/instances", content=OTHER, headers=RAW).status_code == 201


def test_what_is_uploaded_is_listed_shown_and_downloaded(client: TestClient) -> None:
    answer = client.post("/v1/instances", content=lzma.compress(FORMULA), headers=RAW, params={"name": "x/a.cnf.xz"})
    assert answer.status_code == 201
    (record,) = answer.json()["instances"]
    assert (record["id"], record["name"], record["owner"]) == (ID, "a.cnf.xz", "local")
    assert client.get(f"/v1/instances/{ID[:12]}").json() == record
    assert record in client.get("/v1/instances").json()["items"]
    download = client.get(f"/v1/instances/{ID}/content")
    assert gzip.decompress(download.content) == FORMULA
    assert f'filename="{ID}.cnf.gz"' in download.headers["content-disposition"]
    known = {"If-None-Match": download.headers["etag"]}
    assert client.get(f"/v1/instances/{ID}/content", headers=known).status_code == 304


@pytest.fixture
def narrow(store: SqlStore, tmp_path: Path, home: Path) -> Iterator[TestClient]:  # noqa: ARG001 # settings lie in it
    limits = Limits(files=2, request_bytes=3 * MIB)
    app = make_app(Settings(secret_file=tmp_path / "secret", upload_bytes=4 * MIB, instances=limits), store)
    with TestClient(app, base_url="http://127.0.0.1:8420") as client:
        yield client


def test_the_files_of_a_request_hold_no_more_together_than_may_be(narrow: TestClient) -> None:
    large = FORMULA + b"c comment\n" * (MIB // 5)
    packed = gzip.compress(large)
    told = problem(narrow.post("/v1/instances", files=parts(("a.gz", packed), ("b.gz", packed))), 413)
    assert told.startswith("b.gz: the files up to this one hold more than 3,145,728 bytes")
    damaged = gzip.compress(large[1:])
    assert "b.gz" in problem(narrow.post("/v1/instances", files=parts(("a.gz", damaged), ("b.gz", packed))), 413)
    twice = gzip.compress(large + b"c comment\n" * (MIB // 5))
    assert "several" in problem(narrow.post("/v1/instances", content=twice, headers=RAW), 413)
    assert narrow.post("/v1/instances", files=parts(("a.gz", packed))).status_code == 201


@pytest.mark.parametrize("path", ["/v1/instances", "/instances"])
def test_a_form_of_a_browser_has_no_more_files_than_others(narrow: TestClient, path: str) -> None:
    token = narrow.app.state.sessions.token(None)  # type: ignore[attr-defined]
    sent = parts(*((f"{k}.cnf", FORMULA) for k in range(3)))
    answer = narrow.post(path, files=sent, data={"csrf_token": token}, headers={"Cookie": "other=1"})
    assert (answer.status_code, "Too many files" in answer.text) == (400, True)
    answer = narrow.post(path, files=sent[:2], data={"csrf_token": token}, headers={"Cookie": "other=1"})
    assert answer.status_code in (200, 201)


def test_of_many_files_the_sound_ones_are_kept_and_the_others_told(client: TestClient) -> None:
    sent = parts(("../a.cnf", FORMULA), ("b.cnf", b"p cnf 1 1\nx 0\n"), ("c.cnf.gz", gzip.compress(OTHER)))
    answer = client.post("/v1/instances", files=sent)
    assert answer.status_code == 201
    found = answer.json()
    assert [one["size"] for one in found["instances"]] == [len(FORMULA), len(OTHER)]
    assert found["left_out"] == [{"name": "b.cnf", "why": "b.cnf:2: a literal is expected, not 'x'"}]


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (b"p cnf 1 1\n1 y 0\n", 422, "f:2: a literal is expected, not 'y'"),
        (b"", 422, "f:1: neither a header"),
        (gzip.compress(FORMULA) + b"x", 422, "f: other bytes follow"),
        (gzip.compress(FORMULA)[:20], 422, "f: the compressed content ends too early"),
        (gzip.compress(gzip.compress(FORMULA)), 422, "f: a gzip file within a compressed file"),
        (archive("zip"), 422, "f: a zip file"),
        (bomb("gzip", 32 * MIB), 413, "f: expands to more than 300 times"),
        (b"1 0\n" * (2 * MIB), 413, "the body has more than"),
    ],
    ids=["literal", "empty", "trailing", "cut", "nested", "archive", "bomb", "large"],
)
def test_what_is_no_sound_file_is_refused(client: TestClient, content: bytes, status: int, told: str) -> None:
    answer = client.post("/v1/instances", content=content, headers=RAW, params={"name": "f"})
    assert problem(answer, status).startswith(told)
    if len(content) < MIB:
        answer = client.post("/v1/instances", files=parts(("d/f", content)))
        assert problem(answer, 422).startswith(told)  # of files, others may do: a client goes on with them


def test_a_body_without_files_is_refused(client: TestClient) -> None:
    assert "holds no file" in problem(client.post("/v1/instances", files={"x": (None, "1 0")}), 422)
    broken = client.post("/v1/instances", content=b"--x", headers={"content-type": "multipart/form-data"})
    problem(broken, 400)


@pytest.mark.parametrize("ref", ["0" * 64, "..%2f..%2fetc%2fpasswd", "%2e%2e", "x", "%00", "a" * 500])
def test_an_unknown_instance_is_told(client: TestClient, ref: str) -> None:
    for answer in (client.get(f"/v1/instances/{ref}"), client.delete(f"/v1/instances/{ref}")):
        problem(answer, 404)


def test_a_suite_is_made_of_uploaded_instances_or_at_once(client: TestClient) -> None:
    client.post("/v1/instances", content=FORMULA, headers=RAW)
    made = client.put("/v1/suites/mine", json={"instances": [ID]})
    assert made.status_code == 200
    assert [item["id"] for item in made.json()["items"]] == [ID]
    at_once = client.post("/v1/suites/folder", files=parts(("a", FORMULA), ("b", OTHER), ("c", b"?")))
    assert at_once.status_code == 201
    assert at_once.json()["suite"]["instances"] == 2
    assert [one["name"] for one in at_once.json()["left_out"]] == ["c"]
    page = client.get("/v1/suites", params={"limit": 1}).json()
    rest = client.get("/v1/suites", params={"limit": 1, "cursor": page["next"]}).json()
    assert [one["name"] for one in page["items"] + rest["items"]] == ["folder", "mine"]
    assert "is in suite" in problem(client.delete(f"/v1/instances/{ID}"), 409)
    for name in ("mine", "folder"):
        assert client.delete(f"/v1/suites/{name}").status_code == 204
        problem(client.get(f"/v1/suites/{name}"), 404)
    assert client.delete(f"/v1/instances/{ID}").status_code == 204


@pytest.mark.parametrize("name", ["..%2fx", "-a", "a%20b", "a%00", "x" * 65])
def test_a_bad_name_of_a_suite_is_refused(client: TestClient, name: str) -> None:
    assert client.put(f"/v1/suites/{name}", json={"instances": [ID]}).status_code in (404, 422)
    assert client.post(f"/v1/suites/{name}", files=parts(("a", FORMULA))).status_code in (404, 405, 422)


def test_a_suite_of_what_is_not_there_is_refused(client: TestClient) -> None:
    assert "upload it first" in problem(client.put("/v1/suites/mine", json={"instances": ["0" * 64]}), 404)
    problem(client.put("/v1/suites/mine", json={"instances": []}), 422)
    problem(client.put("/v1/suites/mine", json={"instances": ["../x"]}), 422)


def test_what_is_anothers_cannot_be_changed_without_all_rights(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/v1/suites/theirs", files=parts(("a", FORMULA)))

    async def eve(*_: object) -> Caller:
        return Caller(name="eve", scopes=frozenset({Scope.READ, Scope.RUN}))

    with monkeypatch.context() as patch:
        patch.setattr(access, "_admit", eve)
        for answer in (
            client.delete("/v1/suites/theirs"),
            client.put("/v1/suites/theirs", json={"instances": [ID]}),
            client.post("/v1/suites/theirs", files=parts(("a", OTHER))),
            client.delete(f"/v1/instances/{ID}"),
        ):
            assert problem(answer, 403).startswith("this belongs to 'local'")
    assert client.delete("/v1/suites/theirs").status_code == 204
