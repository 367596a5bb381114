"""Requests that are sent again: carried out once, answered alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.errors import Conflict
from slotforge.core.types import Candidate
from slotforge.lineage import keys, replies
from slotforge.lineage.audit import audit
from slotforge.lineage.store import open_store

from .conftest import PROBLEM, Make, Site

ORDER = {"domain": "optim", "instances": ["matrix_sensing:k=10"], "budget": {"evals": 1}}


def send(site: Site, key: str, order: Any = ORDER, **headers: str) -> Any:
    return site.client.post("/v1/runs", json=order, headers={"Idempotency-Key": key, **headers})


def jobs(site: Site) -> int:
    return len(site.app.state.context.queue.jobs(limit=100))


def test_the_same_request_is_carried_out_once_and_answered_alike(site: Site) -> None:
    first, again = send(site, "one"), send(site, "one")
    assert (first.status_code, again.status_code, jobs(site)) == (201, 201, 1)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert [one.action for one in audit(site.store, limit=9)] == ["POST /v1/runs"], "what is repeated is no deed"
    assert send(site, "two").json()["id"] != first.json()["id"]
    figures = site.client.get("/metrics").text
    assert 'slotforge_requests_total{method="POST",route="/v1/runs",status="201"} 3.0' in figures


def test_another_request_under_the_same_key_is_refused(site: Site) -> None:
    assert send(site, "one").status_code == 201
    other = send(site, "one", {**ORDER, "seed": 1})
    assert (other.status_code, other.headers["content-type"]) == (422, PROBLEM)
    assert "used for another request" in other.json()["detail"]
    assert jobs(site) == 1


def test_keys_belong_to_who_sends_them(site: Site) -> None:
    ann, bob = site.key("ann", "run"), site.key("bob", "run")
    first, other = send(site, "one", **ann), send(site, "one", {**ORDER, "seed": 1}, **bob)
    assert (first.json()["owner"], other.json()["owner"]) == ("ann", "bob")


def test_many_at_once_make_one(site: Site) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda _: send(site, "one"), range(16))]
    assert jobs(site) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert send(site, "one").headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a" * 256])
def test_a_key_is_one_word(site: Site, key: str) -> None:
    answer = site.client.post("/v1/runs", json=ORDER, headers=[(b"idempotency-key", key.encode())])
    assert answer.status_code == 422
    assert jobs(site) == 0


def test_a_refusal_is_not_repeated_for_its_cause_may_be_gone(site: Site) -> None:
    for _ in range(2):
        refused = send(site, "bad", {**ORDER, "domain": "none"})
        assert (refused.status_code, "idempotent-replayed" in refused.headers) == (422, False)
    reader, root = site.key("ann", "read"), site.key("root", "admin")
    assert send(site, "one", **reader).status_code == 403
    assert "idempotent-replayed" not in send(site, "one", **reader).headers
    assert send(site, "one", **root).status_code == 201


def test_a_key_that_is_made_is_never_kept_to_be_told_again(site: Site) -> None:
    body, sent = {"name": "ann", "scopes": ["admin"]}, {"Idempotency-Key": "one", **site.key("root", "admin")}
    made = site.client.post("/v1/keys", json=body, headers=sent)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    secret = made.json()["secret"]
    again = site.client.post("/v1/keys", json=body, headers=sent)
    assert (again.status_code, again.headers["content-type"]) == (409, PROBLEM)
    assert again.headers["idempotent-replayed"] == "true"
    assert "told in its first answer alone: where that was lost, revoke the key" in again.json()["detail"]
    site.store.flush()
    files = Path(site.store.name).parent.glob(f"{Path(site.store.name).name}*")
    assert not any(secret.encode() in path.read_bytes() for path in files if path.is_file())
    other = site.client.post("/v1/keys", json={**body, "name": "bob"}, headers=sent)
    assert (other.status_code, keys.keys(site.store)[0].name) == (422, "ann")


def test_a_key_that_was_refused_is_refused_again_in_the_same_words(site: Site) -> None:
    sent = {"Idempotency-Key": "one", **site.key("root", "admin")}
    told = [site.client.post("/v1/keys", json={"name": "root"}, headers=sent) for _ in range(2)]
    assert [one.status_code for one in told] == [409, 409]
    assert "there is a key 'root' already" in told[0].json()["detail"]
    assert told[0].json() == told[1].json()
    assert "idempotent-replayed" not in told[1].headers


def test_a_request_whose_server_died_is_begun_again_in_time(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make().store
    assert replies.claim(store, "ann", "one", "digest").answer is None
    with pytest.raises(Conflict, match="being answered"):
        replies.claim(store, "ann", "one", "digest")
    monkeypatch.setattr(replies, "ABANDONED_S", -1.0)
    assert replies.claim(store, "ann", "one", "digest").answer is None


@pytest.mark.parametrize("way", ["/v1/runs", "/v1/candidates/{}/confirm"])
def test_a_request_whose_server_died_after_its_work_makes_no_second_job(
    way: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make()
    order, place = ORDER, way
    if "confirm" in way:
        kept = Candidate(domain="optim", slots={"restart_due": "x"})
        site.store.record_artefact(kept, "cpp", Path("x"))
        order, place = {"instances": ["matrix_sensing:k=10"]}, way.format(kept.id)

    def killed(*_: object) -> None:
        raise MemoryError

    def post() -> Any:
        return site.client.post(place, json=order, headers={"Idempotency-Key": "one"})

    with monkeypatch.context() as patched, suppress(MemoryError):
        patched.setattr(replies, "keep", killed)
        patched.setattr(replies, "forget", killed)
        post()
    assert jobs(site) == 1
    assert post().status_code == 409
    monkeypatch.setattr(replies, "ABANDONED_S", -1.0)
    again = post()
    assert (again.status_code, jobs(site)) == (201, 1)
    assert again.json()["id"] == site.app.state.context.queue.jobs()[0].id
    assert again.headers["location"].endswith(again.json()["id"])


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_who_was_given_up_changes_nothing_of_the_next_claim(
    database: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = request.getfixturevalue("postgres") if database == "postgres" else tmp_path / "s.db"
    with open_store(where) as store:
        first = replies.claim(store, "ann", "one", "digest")
        with monkeypatch.context() as patched:
            patched.setattr(replies, "ABANDONED_S", -1.0)
            second = replies.claim(store, "ann", "one", "digest")
        assert first.job == second.job
        replies.forget(store, first)
        replies.keep(store, first, {"status": 500})
        with pytest.raises(Conflict, match="being answered"):
            replies.claim(store, "ann", "one", "digest")
        replies.keep(store, second, {"status": 201})
        assert replies.claim(store, "ann", "one", "digest").answer == {"status": 201}
        replies.forget(store, second)
        assert replies.claim(store, "ann", "one", "digest").answer is None


def test_after_a_day_a_request_is_answered_anew_and_makes_no_second_run(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make()
    first = send(site, "one")
    monkeypatch.setattr(replies, "KEPT_S", -1.0)
    again = send(site, "one")
    assert "idempotent-replayed" not in again.headers
    assert (again.json()["id"], jobs(site)) == (first.json()["id"], 1)
    assert send(site, "one", {**ORDER, "seed": 1}).json()["id"] != first.json()["id"]


def test_only_one_of_two_servers_answers_on_postgresql(postgres: str) -> None:
    with open_store(postgres) as one, open_store(postgres) as other, ThreadPoolExecutor(8) as pool:

        def claim(turn: int) -> replies.Claim | None:
            try:
                return replies.claim((one, other)[turn % 2], "ann", "one", "digest")
            except Conflict:
                return None

        (claimed,) = filter(None, pool.map(claim, range(16)))
        replies.keep(one, claimed, {"status": 201})
        assert replies.claim(other, "ann", "one", "digest").answer == {"status": 201}


def test_who_asks_while_another_gives_up_is_to_ask_again_on_postgresql(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(postgres) as one, open_store(postgres) as other:
        claimed, select = replies.claim(one, "ann", "one", "digest"), replies.select

        def given_up(*columns: Any) -> Any:
            replies.forget(one, claimed)
            return select(*columns)

        monkeypatch.setattr(replies, "select", given_up)
        with pytest.raises(replies.UnderWay, match="ask again"):
            replies.claim(other, "ann", "one", "digest")
