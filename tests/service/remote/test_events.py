"""How the client follows streams of events: where they are cut, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from slotforge.core.errors import UnknownId
from slotforge.service.transport import PATIENT_ATTEMPTS, Unreachable

from .spoken import Spoken, problem


def stream(*events: str, cut: bool = False) -> httpx.Response:
    def pieces() -> Iterator[bytes]:
        yield b"retry: 2000\n: connected\n\n"
        for event in events:
            yield event.encode()
        if cut:
            raise httpx.ReadError("cut")

    return httpx.Response(200, content=pieces(), headers={"content-type": "text/event-stream"})


def test_a_stream_that_is_cut_goes_on_where_it_was() -> None:
    first = stream('id: t0\nevent: trial\ndata: {"number": 0}\n\n', "id: t0:1\nevent: tri", cut=True)
    second = stream('id: t0:1\nevent: trial\ndata: {"number": 1}\n\n', ": alive\n\n")
    third = stream('event: end\ndata: {"state":\ndata: "finished"}\n\n', "event: trial\ndata: 7\n\n")
    server = Spoken(first, httpx.ConnectError("gone"), second, third)
    found = [(event.kind, event.data) for event in server.client().events("ab")]
    assert found == [("trial", {"number": 0}), ("trial", {"number": 1}), ("end", {"state": "finished"})]
    told = [request.headers.get("Last-Event-ID") for request in server.requests]
    assert told == [None, "t0", "t0", "t0:1"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_only_what_ends_a_line_of_a_stream_does_so_wherever_it_is_cut(end: str, size: int) -> None:
    said = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg é"
    text = f"event: trial\ndata: {json.dumps({'reason': said}, ensure_ascii=False)}\n\nevent: end\ndata: 1\n\n"
    content = text.replace("\n", end).encode()
    pieces = (content[place : place + size] for place in range(0, len(content), size))
    answer = httpx.Response(200, content=pieces, headers={"content-type": "text/event-stream"})
    assert [event.data for event in Spoken(answer).client().events("ab")] == [{"reason": said}, 1]


def test_a_stream_that_was_seen_to_its_end_is_over() -> None:
    assert list(Spoken(httpx.Response(204)).client().events("ab", after="t0;e1")) == []


def test_a_stream_of_a_run_that_is_not_there_says_so() -> None:
    with pytest.raises(UnknownId, match="no run"):
        list(Spoken(problem(404, "no run 'ab'")).client().events("ab"))


def test_a_stream_gives_up_when_the_server_stays_away() -> None:
    server = Spoken(*(httpx.ConnectError("refused") for _ in range(PATIENT_ATTEMPTS)))
    with pytest.raises(Unreachable):
        list(server.client().events("ab"))
    assert sum(server.waits) > 30


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_stream_goes_on_once_the_server_its_database_and_the_proxy_are_there_again(status: int) -> None:
    end = stream('event: end\ndata: {"state": "finished"}\n\n')
    server = Spoken(*(problem(status, "later") for _ in range(6)), end)
    assert [event.kind for event in server.client().events("ab")] == ["end"]
