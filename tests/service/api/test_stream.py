"""Event streams of a real server: order, no loss and no doubles across reconnections, and an end."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from slotforge.core.types import Instance, RunConfig, Suite, Trial, TrialState
from slotforge.lineage import keys
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.api import streaming
from slotforge.service.api.app import make_app
from slotforge.service.api.server import listen
from slotforge.service.api.settings import Settings
from slotforge.service.jobs.queue import Queue
from slotforge.service.views.progress import Seen, Standing

from .conftest import PROBLEM

PATIENCE_S = 180
MOST, MOST_OF_ONE = 50, 3
CONFIG = RunConfig(domain="sat", instances=("tseitin:48",))


@dataclass
class Event:
    """An event as a client reads it."""

    name: str = ""
    data: str = ""
    id: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def events(lines: Iterator[str]) -> Iterator[Event]:
    """Read a stream as browsers do; comments come as events named ":"."""
    event = Event()
    for line in lines:
        name, _, text = line.partition(":")
        if line.startswith(":"):
            yield Event(":", line)
        elif name in ("event", "data", "id"):
            setattr(event, "name" if name == "event" else name, text.removeprefix(" "))
        elif not line:
            if event.data:
                yield event
            event = Event()


@dataclass
class Served:
    """A server in a thread."""

    store: SqlStore
    url: str
    hubs: Callable[[], list[streaming.Hub]] = field(repr=False)

    @contextmanager
    def stream(self, run: str, last: str | None = None, **params: str) -> Iterator[Iterator[Event]]:
        headers = {} if last is None else {"Last-Event-ID": last}
        timeout = httpx.Timeout(PATIENCE_S)
        with httpx.stream(
            "GET", f"{self.url}/v1/runs/{run}/events", headers=headers, params=params, timeout=timeout
        ) as r:
            assert r.status_code == 200, r.read()
            assert r.headers["content-type"].startswith("text/event-stream")
            yield events(r.iter_lines())

    def key(self, name: str) -> dict[str, str]:
        """Make a key, and return the header that shows it."""
        return {"Authorization": f"Bearer {keys.add_key(self.store, name, ['read']).secret}"}

    def whole(self, run: str, last: str | None = None, **params: str) -> list[Event]:
        """Read a stream to its end."""
        with self.stream(run, last, **params) as found:
            return [event for event in found if event.name != ":"]

    def run(self) -> str:
        suite = Suite(search=(Instance(id="a", name="a", family="f", path=""),), select=(), holdout=())
        return self.store.create_run(CONFIG, suite, {})


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(streaming, "POLL_S", 0.05)
    most = {"streams": MOST, "caller_streams": MOST_OF_ONE}
    settings = Settings(port=0, store=str(tmp_path / "store.db"), requests_per_s=1000, burst=1000, **most)
    taken = listen(settings)
    with open_store(settings.store) as store:
        app = make_app(settings, store)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        try:
            hubs = lambda: [hub for of in streaming._hubs.values() for hub in of.values() if hub.store is store]  # noqa: E731
            yield Served(store, f"http://127.0.0.1:{taken.getsockname()[1]}", hubs)
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            taken.close()
            assert not thread.is_alive()


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def trial(run: str, number: int, reason: str = "no") -> Trial:
    return Trial(
        run=run, number=number, operator="mutate", slots=("decay",), parents=(), state=TrialState.FAILED, reason=reason
    )


def numbers(found: list[Event]) -> list[int]:
    return [event.json["number"] for event in found if event.name == "trial"]


def test_a_run_that_has_ended_is_told_in_order_to_its_end(served: Served) -> None:
    run = served.run()
    served.store.record_event(run, "started", {})
    for number in (3, 1, -1, 0, 2):
        served.store.record(trial(run, number))
    served.store.finish(run, "finished", {}, why="done")
    found = served.whole(run)
    assert numbers(found) == [-1, 0, 1, 2, 3]
    assert [event.json["kind"] for event in found if event.name == "log"] == ["started", "finished"]
    assert [event.name for event in found][-3:] == ["budget", "state", "end"]
    assert found[-1].json == {"state": "finished", "why": ""}
    assert next(event.json["trials"] for event in found if event.name == "budget") == 3
    assert all(event.id for event in found if event.name in ("trial", "log"))


def test_it_goes_on_behind_the_last_event_and_is_not_asked_for_again_after_the_end(served: Served) -> None:
    run = served.run()
    for number in range(6):
        served.store.record(trial(run, number))
    served.store.finish(run, "finished", {})
    first = served.whole(run)
    ids = [event.id for event in first if event.name == "trial"]
    assert numbers(served.whole(run, ids[2])) == [3, 4, 5]
    assert numbers(served.whole(run, since=ids[4])) == [5]
    assert httpx.get(f"{served.url}/v1/runs/{run}/events", headers={"Last-Event-ID": ids[-1]}).status_code == 204
    assert httpx.get(f"{served.url}/v1/runs/{run}/events", params={"since": "now"}).status_code == 204


def test_nothing_is_lost_or_doubled_while_trials_are_written_out_of_order_and_readers_come_and_go(
    served: Served,
) -> None:
    run, last = served.run(), 300
    order = sorted(range(-5, last), key=lambda number: number + random.Random(number).uniform(0, 6))

    def write() -> None:
        with open_store(served.store.url.database) as other:
            for number in order:
                other.record(trial(run, number))
                if number % 10 == 0:
                    other.record_event(run, "told", {"number": number})
                    time.sleep(0.02)
            other.finish(run, "finished", {})

    told: list[list[Event]] = [[] for _ in range(4)]

    def read(place: int) -> None:
        rng, seen = random.Random(place), ""
        while True:
            with served.stream(run, seen or None) as found:
                for event in found:
                    if event.name in ("trial", "log"):
                        told[place].append(event)
                        seen = event.id
                    if event.name == "end":
                        return
                    if place and rng.random() < 0.05:
                        break

    threads = [threading.Thread(target=read, args=(place,)) for place in range(len(told))]
    for thread in (*threads, writer := threading.Thread(target=write)):
        thread.start()
    for thread in (writer, *threads):
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    for one in told:
        assert sorted(numbers(one)) == list(range(-5, last))
        lines = [event.json["facts"].get("number") for event in one if event.name == "log"]
        assert lines == [number for number in order if number % 10 == 0] + [None]


def test_a_search_that_waits_is_told_of_until_it_is_cancelled(served: Served) -> None:
    queue = Queue(served.store)
    job = queue.submit(CONFIG, owner="ann")
    states = []
    with served.stream(job.id) as found:
        for event in found:
            if event.name == "state":
                states.append(event.json["state"])
                if states == ["queued"]:
                    queue.wish(job.id, "cancel")
    assert states == ["queued", "cancelled"]


def test_signs_of_life_come_while_nothing_happens(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.5)  # with several looks in between
    with served.stream(served.run()) as found:
        comments = (event.data for event in found if event.name == ":")
        assert [next(comments) for _ in range(3)] == [": connected", ": ping", ": ping"]


@pytest.mark.parametrize("busy", [False, True])
def test_a_stream_ends_with_the_key_that_it_was_opened_with(
    served: Served, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.3)
    run, headers = served.run(), served.key("ann")
    served.key("bob")
    number = itertools.count()
    with httpx.stream("GET", f"{served.url}/v1/runs/{run}/events", headers=headers, timeout=PATIENCE_S) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith(":" if not busy else "event: trial"))
        if busy:
            served.store.record(trial(run, next(number)))
        assert [next(lines) for _ in range(1 if busy else 3)]
        keys.revoke(served.store, "ann")
        until = time.monotonic() + PATIENCE_S
        if busy:
            served.store.record(trial(run, next(number)))
        for _ in lines:
            assert time.monotonic() < until, "the stream goes on"
            if busy:
                served.store.record(trial(run, next(number)))
                time.sleep(0.05)
    assert httpx.get(f"{served.url}/v1/runs/{run}/events", headers=headers).status_code == 401


def test_a_stream_of_who_needed_no_key_ends_with_the_first_key(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.3)
    with served.stream(served.run()) as found:
        assert next(found).name == ":"
        served.key("ann")
        until = time.monotonic() + PATIENCE_S
        for _ in found:
            assert time.monotonic() < until, "the stream goes on"


def test_one_key_has_no_more_streams_than_may_be_and_leaves_others_theirs(served: Served) -> None:
    run, ann, bob = served.run(), served.key("ann"), served.key("bob")
    url = f"{served.url}/v1/runs/{run}/events"

    def status(headers: dict[str, str]) -> int:
        with httpx.stream("GET", url, headers=headers, timeout=PATIENCE_S) as answer:
            return answer.status_code

    with ExitStack() as streams:
        for _ in range(MOST_OF_ONE):
            answer = streams.enter_context(httpx.stream("GET", url, headers=ann, timeout=PATIENCE_S))
            assert answer.status_code == 200
        refused = httpx.get(url, headers=ann)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
        assert status(bob) == 200
    wait_for(lambda: status(ann) == 200)


def test_there_are_no_more_streams_than_may_be(served: Served) -> None:
    run = served.run()
    with ExitStack() as streams:
        for _ in range(MOST):
            streams.enter_context(served.stream(run))
        refused = httpx.get(f"{served.url}/v1/runs/{run}/events")
        assert (refused.status_code, refused.headers["content-type"]) == (503, PROBLEM)
        assert f"{MOST} event streams are open" in refused.json()["detail"]


def test_a_reader_who_leaves_is_noticed_and_nobody_looks_any_more(served: Served) -> None:
    run = served.run()
    with served.stream(run) as found:
        assert next(found).name == ":"
        assert [feed.watchers for hub in served.hubs() for feed in hub.feeds.values()] == [1]
    wait_for(lambda: not any(hub.feeds for hub in served.hubs()))
    wait_for(lambda: all(hub._task is None for hub in served.hubs()))


def test_many_who_watch_cost_the_database_no_more_than_one(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    run, looks = served.run(), []
    news = streaming.news
    monkeypatch.setattr(streaming, "news", lambda store, known: looks.append(list(known)) or news(store, known))
    readers, done = 40, []

    def read() -> None:
        done.append(numbers(served.whole(run)))

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    wait_for(lambda: sum(feed.watchers for hub in served.hubs() for feed in hub.feeds.values()) == readers)
    wait_for(lambda: len(looks) >= readers + 3)
    before = len(looks)
    began = time.monotonic()
    for number in range(50):
        served.store.record(trial(run, number))
        time.sleep(0.01)
    served.store.finish(run, "finished", {})
    for thread in threads:
        thread.join(PATIENCE_S)
    assert done == [list(range(50))] * readers
    assert len(looks) - before <= (time.monotonic() - began) / streaming.POLL_S + 5


def test_a_fault_of_one_look_ends_no_stream(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    run, news, faults = served.run(), streaming.news, []

    def broken(store: Any, known: Any) -> Any:
        if len(faults) < 2:
            faults.append("a look")
            raise RuntimeError("a fault of ours")
        return news(store, known)

    with served.stream(run) as found:
        events = (event for event in found if event.name == "trial")
        wait_for(lambda: any(feed.sent is not None for hub in served.hubs() for feed in hub.feeds.values()))
        monkeypatch.setattr(streaming, "news", broken)
        wait_for(lambda: len(faults) == 2)
        served.store.record(trial(run, 0))
        assert next(events).json["number"] == 0


def test_others_are_told_where_the_readers_of_one_run_are_followed_by_new_ones_in_a_look(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        suite = Suite(search=(), select=(), holdout=())
        left, watched = sorted(store.create_run(CONFIG, suite, {}) for _ in range(2))
        hub = streaming.Hub(store)
        hub.feeds = {run: streaming.Feed(run, 1, streaming.Sent(Seen())) for run in (left, watched)}

        async def look(call: Callable[..., Any], *arguments: Any) -> Any:
            hub.feeds[left] = streaming.Feed(left, 1)
            return call(*arguments)

        hub.look = look  # type: ignore[method-assign]
        asyncio.run(hub._publish())
        assert [message.kind for message in hub.feeds[watched].recent] == ["budget", "state"]


def test_who_falls_behind_what_is_kept_reads_it_from_the_database(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "RECENT", 3)
    run = served.run()
    with served.stream(run) as found:
        assert next(found).name == ":"
        for number in range(200):
            served.store.record(trial(run, number, "x" * 1000))
        served.store.finish(run, "finished", {})
        assert sorted(numbers(list(found))) == list(range(200))


def test_an_id_that_is_none_and_a_run_that_is_not_there_are_problems(served: Served) -> None:
    run = served.run()
    bad = httpx.get(f"{served.url}/v1/runs/{run}/events", headers={"Last-Event-ID": "nonsense"})
    assert (bad.status_code, bad.headers["content-type"]) == (422, PROBLEM)
    assert httpx.get(f"{served.url}/v1/runs/feedfeed/events").status_code == 404


def test_an_id_of_somebody_who_claims_to_have_seen_it_all_takes_nothing_from_others(served: Served) -> None:
    run = served.run()
    with served.stream(run, "t0:1000;e0:99999") as claimed, served.stream(run) as found:
        assert (next(claimed).name, next(found).name) == (":", ":")
        for number in range(5):
            served.store.record(trial(run, number))
        served.store.finish(run, "finished", {})
        assert numbers(list(found)) == [0, 1, 2, 3, 4]
        assert numbers(list(claimed)) == []


def test_text_that_is_no_unicode_is_told_all_the_same(served: Served) -> None:
    run = served.run()
    served.store.record(trial(run, 1, "bad \ud800 \x00 </script>\n\nevent: end"))
    served.store.finish(run, "finished", {})
    found = served.whole(run)
    assert [event.name for event in found if event.name != "log"] == ["trial", "budget", "state", "end"]
    assert next(event.json["reason"] for event in found if event.name == "trial").endswith("</script>\n\nevent: end")


def test_head_of_a_stream_that_has_no_end_is_answered_at_once_and_takes_no_room(served: Served) -> None:
    run = served.run()
    for _ in range(MOST_OF_ONE + 1):
        answer = httpx.head(f"{served.url}/v1/runs/{run}/events", timeout=PATIENCE_S)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/event-stream")


def test_what_is_sent_has_no_end_of_a_line_in_it_for_any_reader() -> None:
    why = "a\u2028b\u2029c\u0085d é"
    told = streaming._json(Standing(state="failed", why=why))
    assert told.splitlines() == [told]
    assert json.loads(told)["why"] == why
