"""An answer of a moment ago is given again, but never after a write, to another, or when it is old."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api.access import LOCAL, Caller
from slotforge.service.api.gate import recent
from slotforge.service.api.gate.recent import KEPT_S, Recent
from slotforge.testing.store_suite import CONFIG, SUITE, sample_trial


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    where = request.getfixturevalue("postgres") if request.param == "postgres" else tmp_path / "store.db"
    with open_store(where) as store:
        yield store


class Counting:
    """Answers how often it was asked."""

    def __init__(self, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = (), parts: int = 1) -> None:
        self.asked, self.status, self.parts = 0, status, parts
        self.headers = [(b"content-type", b"application/json"), *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        self.asked += 1
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        for part in range(self.parts):
            body = str(self.asked).encode()
            await send({"type": "http.response.body", "body": body, "more_body": part < self.parts - 1})


class Asker:
    """Asks through the gate, at a time that it sets."""

    def __init__(self, app: Counting, store: SqlStore) -> None:
        self.now = 0.0
        self.gate = Recent(app, store=store, clock=lambda: self.now)

    def get(
        self, path: str = "/v1/runs", caller: Caller | None = LOCAL, method: str = "GET", query: bytes = b""
    ) -> bytes:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)
            if "headers" in message:
                message["headers"].append((b"x-request-id", b"of this one alone"))

        async def receive() -> Message:
            raise AssertionError("nothing to receive")

        scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "query_string": query}
        asyncio.run(self.gate({**scope, "slotforge.caller": caller}, receive, send))
        assert len(sent[0]["headers"]) < 4
        return b"".join(message.get("body", b"") for message in sent)


def test_who_asks_the_same_a_moment_later_is_answered_the_same(store: SqlStore) -> None:
    asker = Asker(Counting(), store)
    assert [asker.get(), asker.get()] == [b"1", b"1"]
    asker.now += KEPT_S
    assert asker.get() == b"1"
    asker.now += KEPT_S / 100
    assert [asker.get(), asker.get()] == [b"2", b"2"]


def test_nothing_old_is_told_after_a_write(store: SqlStore) -> None:
    asker = Asker(Counting(), store)
    assert asker.get() == b"1"
    run = store.create_run(CONFIG, SUITE, {})
    assert asker.get() == b"2"
    store.record(sample_trial(run, 0))
    assert asker.get() == b"3"
    store.record_event(run, "failed", {})
    assert [asker.get(), asker.get()] == [b"4", b"4"]


def test_others_other_questions_and_orders_have_answers_of_their_own(store: SqlStore) -> None:
    asker = Asker(Counting(), store)
    other = Caller(name="other", scopes=frozenset())
    assert asker.get() == b"1"
    assert [asker.get(caller=other), asker.get(caller=other)] == [b"2", b"2"]
    assert [asker.get(query=b"limit=1"), asker.get(path="/v1/usage")] == [b"3", b"4"]
    for number, odd in enumerate(({"caller": None}, {"method": "POST"}, {"path": "/runs"}, {"path": "/health"})):
        assert [asker.get(**odd), asker.get(**odd)] == [b"%d" % (5 + 2 * number), b"%d" % (6 + 2 * number)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "app",
    [Counting(404), Counting(headers=((b"set-cookie", b"a=b"),)), Counting(parts=2)],
    ids=["bad", "cookie", "long"],
)
def test_only_whole_good_answers_without_a_cookie_are_remembered(store: SqlStore, app: Counting) -> None:
    asker = Asker(app, store)
    assert asker.get() != asker.get()


def test_no_more_is_remembered_than_there_is_room_for(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST", 2 * recent.EACH + 200)
    asker = Asker(Counting(), store)
    assert [asker.get(path=f"/v1/{name}") for name in "abcbca"] == [b"1", b"2", b"3", b"2", b"3", b"4"]


def test_what_an_answer_answers_takes_room_as_well(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST", 4 * recent.EACH)
    for app, query in ((Counting(), b"x" * 900), (Counting(headers=((b"x-long", b"y" * 900),)), b"")):
        asker = Asker(app, store)
        for turn in range(20):
            asker.get(path=f"/v1/{turn}", query=query)
        assert len(asker.gate._answers) == 2


def test_there_are_no_more_answers_than_may_be_however_short(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_ANSWERS", 3)
    asker = Asker(Counting(), store)
    for turn in range(20):
        asker.get(path=f"/v1/{turn}")
    assert len(asker.gate._answers) == 3


def test_what_nobody_is_given_any_more_is_forgotten(store: SqlStore) -> None:
    asker = Asker(Counting(), store)
    for turn in range(20):
        asker.get(path=f"/v1/{turn}")
    assert len(asker.gate._answers) == 20
    asker.now += 2 * KEPT_S
    asker.get(path="/v1/new")
    assert len(asker.gate._answers) == 1
    store.create_run(CONFIG, SUITE, {})
    asker.get(path="/v1/newer")
    assert (len(asker.gate._answers), asker.gate._length < 2 * recent.EACH) == (1, True)


def test_a_question_that_is_long_is_not_remembered(store: SqlStore) -> None:
    asker = Asker(Counting(), store)
    query = b"x" * (recent.LONGEST_QUERY + 1)
    assert [asker.get(query=query), asker.get(query=query)] == [b"1", b"2"]
