"""An answer of a moment ago is given again, but never after a write, to another, or when it is old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from starlette.types import Message, Receive, Scope, Send

from slotforge.core.errors import StoreError
from slotforge.lineage.reads.marks import Subject, marks
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api import access
from slotforge.service.api.access import LOCAL, Caller, reader, validity_of
from slotforge.service.api.app import ROUTES, routes
from slotforge.service.api.context import context_of
from slotforge.service.api.gate import looks, recent
from slotforge.service.api.gate.recent import KEPT_S, REMEMBERED, SHARED, Recent
from slotforge.service.api.paging import paged
from slotforge.service.api.sight import Sight, sight
from slotforge.testing.store_samples import CONFIG, SUITE, held, sample_trial, sample_verdict


class Counting:
    """Answers how often it was asked."""

    def __init__(self, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = (), parts: int = 1) -> None:
        self.asked, self.status, self.parts = 0, status, parts
        self.headers = [(b"content-type", b"application/json"), *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        with sight():
            self.asked += 1
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        for part in range(self.parts):
            body = str(self.asked).encode()
            await send({"type": "http.response.body", "body": body, "more_body": part < self.parts - 1})


class Asker:
    """Asks through the gate, at a time that it sets."""

    def __init__(self, app: Counting, store: SqlStore) -> None:
        self.now, self.how = 0.0, None
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
        scope |= {"slotforge.caller": caller}
        asyncio.run(self.gate(scope, receive, send))
        self.how = scope.get(REMEMBERED)
        assert [name for name, _ in sent[0]["headers"]].count(b"x-request-id") == 1
        return b"".join(message.get("body", b"") for message in sent)


def test_who_asks_the_same_a_moment_later_is_answered_the_same(store: SqlStore) -> None:
    asker = Asker(Counting(), store)
    assert [asker.get(), asker.get()] == [b"1", b"1"]
    asker.now += KEPT_S
    assert asker.get() == b"1"
    asker.now += KEPT_S / 100
    assert [asker.get(), asker.get()] == [b"2", b"2"]


def together(asker: Asker, app: Slow, asked: int) -> list[bytes]:
    """Ask the same several times at once, and let the answers out when all have asked."""

    async def ask() -> bytes:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            raise AssertionError("nothing to receive")

        scope = {"type": "http", "method": "GET", "path": "/v1/runs", "query_string": b"", "slotforge.caller": LOCAL}
        await asker.gate(scope, receive, send)
        return b"".join(message.get("body", b"") for message in sent)

    async def all_of_them() -> list[bytes]:
        app.out = asyncio.Event()
        tasks = [asyncio.create_task(ask()) for _ in range(asked)]
        for _ in range(10):
            await asyncio.sleep(0)
        app.while_they_wait()
        late = asyncio.create_task(ask())
        for _ in range(10):
            await asyncio.sleep(0)
        app.out.set()
        return [await task for task in (*tasks, late)]

    return asyncio.run(all_of_them())


class Slow(Counting):
    """Answers when it is told to."""

    out: asyncio.Event

    def while_they_wait(self) -> None:
        """Let something happen."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        number = self.asked = self.asked + 1
        await self.out.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": str(number).encode()})


def test_who_asks_while_an_answer_is_made_waits_for_it(store: SqlStore) -> None:
    app = Slow()
    assert together(Asker(app, store), app, 5) == [b"1"] * 6


def test_who_asks_after_a_write_does_not_wait_for_an_answer_from_before_it(store: SqlStore) -> None:
    class Written(Slow):
        def while_they_wait(self) -> None:
            store.create_run(CONFIG, SUITE, {})

    app = Written()
    assert together(Asker(app, store), app, 3) == [b"1", b"1", b"1", b"2"]


def test_who_waited_for_an_answer_that_is_none_to_remember_asks_for_their_own(store: SqlStore) -> None:
    app = Slow(404)
    assert sorted(together(Asker(app, store), app, 3)) == [b"1", b"2", b"3", b"4"]


def test_who_asks_for_a_stream_does_not_wait_for_the_end_of_that_of_another(store: SqlStore) -> None:
    class Endless(Counting):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
            self.asked += 1
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await asyncio.Event().wait()

    async def both() -> None:
        scope = {"type": "http", "method": "GET", "path": "/v1/a", "query_string": b"", "slotforge.caller": LOCAL}
        streams = [asyncio.create_task(gate(dict(scope), receive, send)) for _ in range(2)]
        async with asyncio.timeout(10):
            while app.asked < len(streams):
                await asyncio.sleep(0.01)
        for one in streams:
            one.cancel()

    async def receive() -> Message:
        raise AssertionError("nothing to receive")

    async def send(message: Message) -> None:
        assert message["status"] == 200

    app = Endless()
    gate = Recent(app, store=store)
    asyncio.run(both())


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
        assert len(asker.gate.passing.answers) == 2


def test_there_are_no_more_answers_than_may_be_however_short(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_ANSWERS", 3)
    asker = Asker(Counting(), store)
    for turn in range(20):
        asker.get(path=f"/v1/{turn}")
    assert len(asker.gate.passing.answers) == 3


def test_what_nobody_is_given_any_more_is_forgotten(store: SqlStore) -> None:
    asker = Asker(Counting(), store)
    for turn in range(20):
        asker.get(path=f"/v1/{turn}")
    assert len(asker.gate.passing.answers) == 20
    asker.now += 2 * KEPT_S
    asker.get(path="/v1/new")
    assert len(asker.gate.passing.answers) == 1
    store.create_run(CONFIG, SUITE, {})
    asker.get(path="/v1/newer")
    assert (len(asker.gate.passing.answers), asker.gate.passing.length < 2 * recent.EACH) == (1, True)


def test_a_question_that_is_long_is_not_remembered(store: SqlStore) -> None:
    asker = Asker(Counting(), store)
    query = b"x" * (recent.LONGEST_QUERY + 1)
    assert [asker.get(query=query), asker.get(query=query)] == [b"1", b"2"]


@pytest.fixture
def ended(store: SqlStore) -> str:
    """Return a run that has ended."""
    run = store.create_run(CONFIG, SUITE, {})
    store.open_session(run)
    store.record(sample_trial(run, 0))
    store.finish(run, "finished", {})
    return run


def elsewhere(store: SqlStore) -> SqlStore:
    """Open the same database as another process does."""
    return open_store(store.url.render_as_string(hide_password=False))


def answers(asker: Asker, path: str) -> tuple[bytes, str | None]:
    """Ask when what is recent no longer is."""
    asker.now += 100 * KEPT_S
    return asker.get(path), asker.how


@pytest.mark.parametrize("part", ["", "/trials", "/curve", "/log", "/lineage"])
def test_what_shows_an_ended_run_holds_until_something_about_it_changes(store: SqlStore, ended: str, part: str) -> None:
    asker, path = Asker(Counting(), store), f"/v1/runs/{ended}{part}"
    assert [answers(asker, path), answers(asker, path)] == [(b"1", ""), (b"1", "unchanged")]
    store.create_run(CONFIG, SUITE, {})
    assert [asker.get(path), asker.how] == [b"1", "unchanged"]
    store.record_event(ended, "pruned", {})
    assert [asker.get(path), asker.how] == [b"2", ""]
    with elsewhere(store) as other:
        other.record(sample_trial(ended, 1))
    assert [asker.get(path), answers(asker, path)[0]] == [b"2", b"3"]
    store.open_session(ended)
    assert asker.get(path) == b"4"


def test_what_shows_a_run_that_goes_on_holds_for_a_moment(store: SqlStore) -> None:
    asker, path = Asker(Counting(), store), f"/v1/runs/{store.create_run(CONFIG, SUITE, {})}"
    assert [answers(asker, path)[0], asker.get(path), answers(asker, path)[0]] == [b"1", b"1", b"2"]


def test_what_goes_on_again_is_told_as_it_is(store: SqlStore, ended: str) -> None:
    asker, path = Asker(Counting(), store), f"/v1/runs/{ended}"
    assert [answers(asker, path)[0], answers(asker, path)[0]] == [b"1", b"1"]
    store.lock_run(ended)
    assert [asker.get(path), answers(asker, path)[0]] == [b"2", b"3"]
    store.finish(ended, "finished", {})
    assert [asker.get(path), answers(asker, path)] == [b"4", (b"4", "unchanged")]


def test_what_shows_a_candidate_holds_until_something_about_it_is_added(store: SqlStore, ended: str) -> None:
    made = store.trials(ended)[0].candidate
    assert made is not None
    asker, path = Asker(Counting(), store), f"/v1/candidates/{made.id}"
    assert [answers(asker, path), answers(asker, path)] == [(b"1", ""), (b"1", "unchanged")]
    store.record_artefact(made, "header", Path("artefacts/1/made.hpp"))
    assert [asker.get(path), answers(asker, path)[0]] == [b"2", b"2"]
    with elsewhere(store) as other:
        run = other.create_run(CONFIG, SUITE, {})
        other.record(sample_trial(run, 0))
    assert [answers(asker, path)[0], answers(asker, path)[0]] == [b"3", b"3"]
    store.record_verdict(ended, held(made, sample_verdict()))
    assert [asker.get(path), answers(asker, path)[0]] == [b"4", b"4"]


def test_who_may_do_the_same_is_shown_the_same_runs_and_candidates(store: SqlStore, ended: str) -> None:
    asker = Asker(Counting(), store)
    one, other = (Caller(name=name, scopes=frozenset({access.Scope.READ})) for name in ("one", "other"))
    for number, path in enumerate((f"/v1/runs/{ended}", "/v1/runs", "/v1/heuristics"), 1):
        assert [asker.get(path, caller=one), asker.get(path, caller=other)] == [b"%d" % number] * 2
    assert [asker.get("/v1/system", caller=one), asker.get("/v1/system", caller=other)] == [b"4", b"5"]
    assert asker.get("/v1/runs", caller=LOCAL) == b"6"


KNOWN = {context_of, paged, reader, validity_of}  # look at the request, and tell routes nothing of who reads


def test_what_is_shown_to_all_does_not_depend_on_who_reads() -> None:
    read = [route for route in routes(ROUTES) if "GET" in route.methods and route.path.startswith(SHARED)]
    assert len(read) > 10
    for route in read:
        asked = {str(signature(call)) for call in called(route.dependant) - KNOWN}
        assert not any(one in text for text in asked for one in ("Caller", "Request")), route.path


def called(dependant: Dependant) -> set[Callable[..., object]]:
    """Return what is called for a route: its endpoint, what it depends on, and what that does."""
    own = {dependant.call} if dependant.call else set()
    return own.union(*map(called, dependant.dependencies))


def test_what_holds_for_long_is_never_told_to_who_may_do_less(store: SqlStore, ended: str) -> None:
    asker, path = Asker(Counting(), store), f"/v1/runs/{ended}"
    assert asker.get(path) == b"1"
    assert asker.get(path, caller=Caller(name="other", scopes=frozenset())) == b"2"
    assert asker.get(path, caller=Caller(name="local", scopes=frozenset({access.Scope.READ}))) == b"3"
    assert asker.get(path, query=b"pairs=true") == b"4"


def test_the_beginning_of_an_id_and_what_shows_more_than_one_thing_hold_for_a_moment(
    store: SqlStore, ended: str
) -> None:
    asker = Asker(Counting(), store)
    for path in (f"/v1/runs/{ended[:-1]}", f"/v1/runs/{ended}/trials/0", "/v1/candidates/abcdef/lineage", "/v1/runs"):
        assert answers(asker, path)[0] != answers(asker, path)[0]


def test_what_holds_for_long_takes_no_more_room_than_there_is(
    store: SqlStore, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST_ANSWERS", 3)
    asker, path = Asker(Counting(), store), f"/v1/runs/{ended}"
    assert [asker.get(path, query=name.encode()) for name in "abcabd"] == [b"1", b"2", b"3", b"1", b"2", b"4"]
    assert [answers(asker, path)[0], len(asker.gate.lasting.answers)] == [b"5", 3]


def test_many_subjects_are_looked_up_together(store: SqlStore, ended: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def look(of: SqlStore, subjects: Collection[Subject]) -> Mapping[Subject, Hashable]:
        looked.append(len(subjects))
        return marks(of, subjects)

    monkeypatch.setattr(looks, "marks", look)

    async def ask() -> list[Hashable | None]:
        one = looks.Looks(store)
        return await asyncio.gather(*(one.mark(("run", ended if turn % 2 else f"{turn:010}")) for turn in range(20)))

    found = asyncio.run(ask())
    assert (sum(looked), len(looked) <= 2) == (11, True)
    assert [mark is not None for mark in found] == [turn % 2 == 1 for turn in range(20)]


def test_a_mark_is_of_the_snapshot_that_the_answer_is_read_in(store: SqlStore, ended: str) -> None:
    subject: Subject = ("run", ended)
    seen = Sight(store, subject)
    with open_store(store.url.render_as_string(hide_password=False)) as other, seen:
        other.record_event(ended, "noted", {})
        assert marks(store, [subject]) == {subject: seen.mark}
    assert seen.mark is not None
    assert marks(store, [subject]) != {subject: seen.mark}


def test_who_waits_for_a_look_that_fails_is_told_so(
    store: SqlStore, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker, path = Asker(Counting(), store), f"/v1/runs/{ended}"
    asker.get(path)
    asker.now += KEPT_S + 1

    def fail(*_: object) -> Mapping[Subject, Hashable]:
        raise StoreError("gone")

    monkeypatch.setattr(looks, "marks", fail)
    with pytest.raises(StoreError, match="gone"):
        asker.get(path)
