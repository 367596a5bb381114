"""The client: what it sends again, whose errors it tells, and what it never does with a token or a path."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import slotforge
from slotforge.core.errors import Conflict, SlotforgeError, StoreError, UnknownId, UsageError
from slotforge.service.client import Client
from slotforge.service.transport import ATTEMPTS, Busy, Refused, Transport, Unreachable
from slotforge.service.views.candidates import Split

from ..conftest import Found
from .spoken import Spoken, artefact, ok, problem

JOB = {
    "id": "ab", "kind": "search", "owner": "ann", "priority": 0, "config": {"domain": "sat", "instances": ["a"]},
    "state": "queued", "wish": "", "holder": None, "attempts": 0, "cpus": 1, "usd": None, "why": "", "result": None,
    "created": "2026-01-01T00:00:00Z", "changed": "2026-01-01T00:00:00Z",
}  # fmt: skip


def test_the_client_is_imported_when_it_is_first_used() -> None:
    code = "import slotforge, sys; print('httpx' in sys.modules, slotforge.Client.__name__, 'fastapi' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout
    assert said.split() == ["False", "Client", "False"]
    assert slotforge.Client is Client


@pytest.mark.parametrize("status", [429, 503])
def test_what_is_busy_is_asked_again_with_longer_and_longer_waits(status: int) -> None:
    server = Spoken(*(problem(status, "later") for _ in range(3)), ok({"items": [], "next": None}))
    assert list(server.client().runs()) == []
    assert len(server.requests) == 4
    assert server.waits == sorted(server.waits)


def test_the_wait_that_the_server_asks_for_is_kept_within_bounds() -> None:
    server = Spoken(problem(429, "x", **{"Retry-After": "7"}), problem(503, "x", **{"Retry-After": "9999"}), ok(JOB))
    server.client().job("ab")
    assert server.waits == [7.0, 20.0]


def test_a_creation_is_sent_again_with_the_same_key() -> None:
    server = Spoken(httpx.ReadTimeout("lost"), problem(503, "later"), ok(JOB, 201))
    assert server.client().discover("tseitin:48", model="offline", seed=3).id == "ab"
    keys = {request.headers["Idempotency-Key"] for request in server.requests}
    assert len(keys) == 1
    assert json.loads(server.requests[0].content) == {
        "domain": "sat", "instances": ["tseitin:48"], "options": {}, "model": "offline", "seed": 3,
    }  # fmt: skip


@pytest.mark.parametrize("first", [httpx.ReadError("lost"), problem(504, "a proxy gave up")])
def test_what_is_gone_after_an_answer_was_lost_was_removed(first: httpx.Response | Exception) -> None:
    server = Spoken(first, problem(404, "no suite 'one'"))
    server.client().remove_suite("one")
    assert len(server.requests) == 2


@pytest.mark.parametrize("first", [httpx.ConnectError("refused"), problem(503, "later")])
def test_what_was_never_there_is_told(first: httpx.Response | Exception) -> None:
    with pytest.raises(UnknownId, match="no suite 'one'"):
        Spoken(first, problem(404, "no suite 'one'")).client().remove_suite("one")


def test_a_key_whose_answer_was_lost_is_asked_for_again_under_the_same_idempotency_key() -> None:
    said = "told in its first answer alone"
    server = Spoken(httpx.ReadError("lost"), problem(409, said))
    with pytest.raises(Conflict, match=said):
        server.client().add_key("bob")
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 1
    assert [json.loads(request.content)["scopes"] for request in server.requests] == [["read"], ["read"]]


def test_what_takes_longer_than_a_proxy_or_the_client_waits_is_waited_for_and_made_once() -> None:
    under_way = [problem(409, "being answered", **{"Retry-After": "1"}) for _ in range(40)]
    made = artefact(b"content").model_dump(mode="json")
    server = Spoken(httpx.ReadTimeout("60 s"), *under_way[:20], problem(504, "a proxy"), *under_way[20:], ok(made, 201))
    assert server.client().export("ab", "solver").id == "0" * 16
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 1
    with pytest.raises(Conflict, match="being answered"):
        Spoken(*(under_way * 20)).client().export("ab", "solver")
    with pytest.raises(Conflict, match="there is one"):
        Spoken(problem(409, "there is one")).client().export("ab", "solver")


def test_two_creations_have_two_keys() -> None:
    server = Spoken(ok(JOB, 201), ok(JOB, 201))
    client = server.client()
    client.pause("ab")
    client.pause("ab")
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 2


def test_a_server_that_stays_away_is_one_line() -> None:
    server = Spoken(*(httpx.ConnectError("refused") for _ in range(ATTEMPTS)))
    with pytest.raises(Unreachable, match=r"the server http://127.0.0.1:1 does not answer \(refused\): check that"):
        server.client().job("ab")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, UnknownId), (409, Conflict), (422, UsageError), (401, Refused), (403, Refused), (429, Busy),
        (503, StoreError), (500, SlotforgeError),
    ],
)  # fmt: skip
def test_an_error_is_told_in_the_words_of_the_server(status: int, kind: type[SlotforgeError]) -> None:
    server = Spoken(*(problem(status, "what is wrong:\n what to do") for _ in range(ATTEMPTS)))
    with pytest.raises(kind) as told:
        server.client().job("ab")
    assert str(told.value).startswith("what is wrong: what to do")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), ok({"nonsense": 1}), ok([1, 2])])
def test_an_answer_of_another_kind_is_one_line(answer: httpx.Response) -> None:
    with pytest.raises(SlotforgeError, match="gives answers of another kind"):
        Spoken(answer).client().job("ab")


def test_a_list_is_fetched_page_by_page_and_no_further_than_is_asked() -> None:
    pages = [{"items": [JOB | {"id": f"{page}{i}"} for i in range(2)], "next": f"c{page}"} for page in range(3)]
    server = Spoken(*map(ok, pages))
    assert [job.id for job in server.client().jobs(limit=5)] == ["00", "01", "10", "11", "20"]
    asked = [(request.url.params["limit"], request.url.params.get("cursor")) for request in server.requests]
    assert asked == [("5", None), ("3", "c0"), ("1", "c1")]


def test_a_path_holds_no_more_than_one_part_whatever_the_id() -> None:
    server = Spoken(ok(JOB))
    server.client().job("a?x=1#b c")
    assert server.requests[0].url.raw_path == b"/v1/jobs/a%3Fx%3D1%23b%20c"
    for text in ("../keys", "..", ".", ""):
        with pytest.raises(UnknownId, match="is no id: see"):
            server.client().job(text)
    assert len(server.requests) == 1


def test_the_token_comes_from_the_environment_or_a_file_that_nobody_else_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slotforge.service.transport import token_of

    assert token_of(None) is None
    (tmp_path / "token").write_text("from-file\n")
    monkeypatch.setenv("SLOTFORGE_TOKEN_FILE", str(tmp_path / "token"))
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(UsageError, match=r"others may read the token in .*: `chmod 600"):
        token_of(None)
    (tmp_path / "token").chmod(0o600)
    assert token_of(None) == "from-file"
    monkeypatch.setenv("SLOTFORGE_TOKEN", "from-environment")
    assert token_of(None) == "from-environment"
    assert token_of("given") == "given"
    monkeypatch.delenv("SLOTFORGE_TOKEN")
    (tmp_path / "token").unlink()
    with pytest.raises(UsageError, match="cannot read the token"):
        token_of(None)


def test_a_token_is_sent_as_a_header_and_follows_no_redirect() -> None:
    server = Spoken(httpx.Response(302, headers={"Location": "http://elsewhere/"}))
    with pytest.raises(SlotforgeError) as told:
        server.client("secret").job("ab")
    assert server.requests[0].headers["Authorization"] == "Bearer secret"
    assert len(server.requests) == 1
    assert "secret" not in str(told.value)


def test_a_token_does_not_travel_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"the token would travel to example\.org in the clear: use https"):
        Transport("http://example.org", "secret")
    Transport("https://example.org", "secret").close()
    Transport("http://example.org", None).close()
    monkeypatch.setenv("SLOTFORGE_PLAIN_HTTP", "1")
    Transport("http://example.org", "secret").close()


def test_every_question_is_answered_by_the_application(client: Client, found: Found, tmp_path: Path) -> None:
    run, winner = found.report.run, found.winner
    assert [one.id for one in client.runs(domain="slotforge.testing.landscape")] == [run]
    assert client.run(run[:6]).run.id == run
    assert client.job_of(run) is None
    assert client.find(winner[:8]).kind == "candidate"
    assert client.candidate(winner).id == client.details(winner).id == winner
    assert len(list(client.trials(run))) >= found.report.trials
    assert client.trial(run, 0).number == 0
    assert client.curve(run).steps[0] == (0, 1.0)
    assert [line.kind for line in client.log(run)][-1] == "started"
    assert winner in [one.candidate for one in client.heuristics(confirmed=True)]
    assert client.lineage(winner).root == winner
    assert client.diff(winner, "baseline").b == winner
    assert client.compare(winner, found.baseline).a == winner
    assert client.compare(winner, found.baseline, split=[Split.SEARCH]).a == winner
    assert client.run_lineage(run).nodes
    assert {line.candidate for line in client.trials_of(winner)} == {winner}
    assert list(client.measurements(winner))
    for found in (client.compilation(winner), client.compile(winner)):
        assert (found.candidate, found.state) == (winner, "uncompiled")
    with pytest.raises(UnknownId):
        client.job_log(run)
    assert list(client.usage())
    assert list(client.jobs()) == []
    assert client.system().caller == "local"
    assert client.replay(run, tmp_path / "replay.jsonl").read_text()
    kinds = [event.kind for event in client.events(run)]
    assert kinds[-1] == "end"
    assert kinds.count("trial") == len(list(client.trials(run)))


def test_instances_and_suites_go_to_the_application_and_back(client: Client, tmp_path: Path) -> None:
    (folder := tmp_path / "mine").mkdir()
    (folder / "f.cnf").write_text("p cnf 2 1\n1 -2 0\n")
    (folder / "bad.cnf").write_text("nonsense")
    (folder / "odd.cnf").write_text("p cnf 3 7\n1 -3 0\n")
    told = client.upload_suite("mine", folder)
    suite = told.suite
    assert [item.name for item in suite.items] == ["f.cnf", "odd.cnf"]
    assert [one.name for one in told.left_out] == ["bad.cnf"]
    assert ["odd.cnf" in line for line in told.warnings] == [True]
    assert {one.id for one in client.instances()} == {item.id for item in suite.items}
    assert client.suite("mine") == suite
    first = suite.items[0].id
    assert client.instance(first[:8]).id == first
    assert b"p cnf" in gzip.decompress(client.content(first, tmp_path / "got.cnf.gz").read_bytes())
    with pytest.raises(Conflict):
        client.remove_instance(first)
    client.remove_suite("mine")
    with pytest.raises(UnknownId):
        client.suite("mine")
    (last,) = client.audit(actor="local", limit=1)
    assert (last.actor, last.target) == ("local", "mine")
    assert "delete" in last.action.lower()
    client.remove_instance(first)
    assert first not in {one.id for one in client.instances()}


def test_a_server_with_keys_lets_nobody_in_without_one(found: Found, tmp_path: Path) -> None:
    from slotforge.lineage import keys
    from slotforge.lineage.store import open_store
    from slotforge.service.api.app import make_app
    from slotforge.service.api.settings import Settings

    from .conftest import listening

    (tmp_path / "store.db").write_bytes(found.store.read_bytes())
    with open_store(tmp_path / "store.db") as store:
        secret = keys.add_key(store, "ann", ("read",)).secret
        app = make_app(Settings(store=store.name, secret_file=tmp_path / "secret"), store)
        with listening(app) as url, Client(url) as nobody, Client(url, token=secret) as ann:
            with pytest.raises(Refused, match="SLOTFORGE_TOKEN"):
                list(nobody.runs())
            assert [one.id for one in ann.runs()] == [found.report.run]
            with pytest.raises(Refused):
                ann.discover("tseitin:48")
            with pytest.raises(Refused):
                ann.checks()
            with pytest.raises(Refused):
                list(ann.audit())
