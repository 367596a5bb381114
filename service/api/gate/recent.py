"""Answers that still hold, given again to who asks the same: many who look at one page cost the store one look.

An answer holds for a moment, unless this process writes anything; who asks while it is made waits for it. What shows a
run that has ended, or a candidate, holds beyond that for as long as its mark in the store is the same. Who may do the
same is shown the same runs, candidates and heuristics, so these answers are for all of them.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.lineage.reads.marks import Subject
from slotforge.lineage.store import SqlStore
from slotforge.service.api.gate.etags import tag
from slotforge.service.api.gate.looks import Looks
from slotforge.service.api.sight import SIGHT, Sight

KEPT_S = 1.0  # also how late it may be seen here what another process has written
LONGEST = 256 << 10  # bytes of an answer
LONGEST_QUERY = 1024  # bytes
MOST = 32 << 20  # bytes of all answers that hold for a moment, and of all others, with what they answer
MOST_ANSWERS = 4096
EACH = 1024  # bytes that an answer takes beside its texts
KIND = "application/json"
REMEMBERED = "slotforge.remembered"  # how an answer is known to hold: "recent" or "unchanged"
SHARED = ("/v1/runs", "/v1/candidates", "/v1/heuristics")  # whose routes do not look at who reads
_SUBJECT = re.compile(
    "/v1/(?:runs/(?P<run>[0-9a-f]{4,64})(?:/(?:trials|curve|log|lineage))?"
    "|candidates/(?P<candidate>[0-9a-f]{4,64})(?:/trials)?)"
)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time, and how often this process had written before; see `SqlStore.written`."""

    at: float
    written: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered.

    route: that has answered.
    known: when it is known to have held.
    mark: of what it shows; None where that has none, or is more than one thing.
    length: of it and of what it answers, about.
    """

    start: Message
    body: Message
    route: Any
    known: Moment
    mark: Hashable
    length: int


@dataclass(frozen=True, kw_only=True)
class Making:
    """An answer that is being made, for whoever asks the same; None where it turns out to be none to remember."""

    begun: Moment
    made: asyncio.Future[Answer | None]

    def tell(self, answer: Answer | None = None) -> None:
        """Let those go on who wait for it."""
        if not self.made.done():
            self.made.set_result(answer)


class Shelf:
    """Answers by what they answer; where there is no room, those that were not asked for the longest are forgotten."""

    def __init__(self, holds: Callable[[Answer], bool]) -> None:
        self.answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self.length = 0
        self._holds = holds

    def put(self, key: Hashable, answer: Answer) -> None:
        """Keep an answer that is not there yet."""
        self.answers[key] = answer
        self.length += answer.length
        while self.answers and (self._full() or not self._holds(next(iter(self.answers.values())))):
            self.drop(next(iter(self.answers)))

    def drop(self, key: Hashable) -> None:
        """Forget an answer, if it is there."""
        if before := self.answers.pop(key, None):
            self.length -= before.length

    def _full(self) -> bool:
        return self.length > MOST or len(self.answers) > MOST_ANSWERS


class Recent:
    """Remembers whole JSON answers of the API, by caller or by what callers may do."""

    def __init__(self, app: ASGIApp, *, store: SqlStore, clock: Callable[[], float] = time.monotonic) -> None:
        self.app, self._store, self._clock, self._looks = app, store, clock, Looks(store)
        self.passing, self.lasting = Shelf(lambda answer: self._recent(answer.known)), Shelf(lambda _: True)
        self._makings: dict[Hashable, Making] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET as before, or pass it on and remember its answer."""
        caller = scope.get("slotforge.caller")
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or caller is None
            or not scope["path"].startswith("/v1/")
            or len(scope["path"]) + len(scope["query_string"]) > LONGEST_QUERY
        ):
            return await self.app(scope, receive, send)
        whose = caller.scopes if scope["path"].startswith(SHARED) else caller
        key = (whose, scope["path"], scope["query_string"])
        now = Moment(at=self._clock(), written=self._store.written)
        known = self.passing.answers.get(key) or self.lasting.answers.get(key)
        if known and self._recent(known.known):
            return await _give(known, "recent", scope, send)
        making = self._makings.get(key)
        if making and self._recent(making.begun) and (told := await asyncio.shield(making.made)):
            return await _give(told, "recent", scope, send)
        making = self._makings[key] = Making(begun=now, made=asyncio.get_running_loop().create_future())
        try:
            await self._make(key, known, making, scope, receive, send)
        finally:
            making.tell()
            if self._makings.get(key) is making:
                del self._makings[key]
        return None

    async def _make(
        self, key: Hashable, known: Answer | None, making: Making, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Find that what is known holds still, or pass a request on and remember its answer."""
        subject = _subject(scope["path"])
        if subject and known and known.mark is not None and known.mark == await self._looks.mark(subject):
            self._keep(key, known := replace(known, known=making.begun))
            making.tell(known)
            return await _give(known, "unchanged", scope, send)
        heard, sight = _Heard(send, making.tell), Sight(self._store, subject)
        before = SIGHT.set(sight)
        try:
            await self.app(scope, receive, heard)
        finally:
            SIGHT.reset(before)
        if heard.whole:
            self._keep(key, told := heard.answer(scope, making.begun, sight.mark))
            making.tell(told)
            await _give(told, "", scope, send)
        return None

    def _keep(self, key: Hashable, answer: Answer) -> None:
        self.passing.drop(key)
        self.lasting.drop(key)
        (self.passing if answer.mark is None else self.lasting).put(key, answer)

    def _recent(self, moment: Moment) -> bool:
        return moment.written == self._store.written and self._clock() - moment.at <= KEPT_S


def _subject(path: str) -> Subject | None:
    """Return the one thing that an answer shows; the beginning of an id is none."""
    match = _SUBJECT.fullmatch(path)
    if match is None:
        return None
    return ("run", match["run"]) if match["run"] else ("candidate", match["candidate"])


async def _give(answer: Answer, how: str, scope: Scope, send: Send) -> None:
    """Send an answer; `how` it is known to hold, and whose it is, go into the trail."""
    scope["route"] = answer.route
    scope[REMEMBERED] = how
    await send({**answer.start, "headers": list(answer.start["headers"])})
    await send({**answer.body})


class _Heard:
    """An answer on its way: held back while it may be remembered."""

    def __init__(self, send: Send, let_go: Callable[[], None]) -> None:
        self._send, self._let_go = send, let_go
        self._start: Message | None = None
        self._body: Message | None = None

    async def __call__(self, message: Message) -> None:
        """Take the next message."""
        if message["type"] == "http.response.start" and _good(message):
            self._start = message
        elif self._start and self._body is None and _fits(message):
            self._body = message
        else:
            self._let_go()
            start, self._start = self._start, None
            for one in (start, message):
                if one:
                    await self._send(one)

    @property
    def whole(self) -> bool:
        """Whether it is held back, all of it."""
        return self._start is not None and self._body is not None

    def answer(self, scope: Scope, now: Moment, mark: Hashable) -> Answer:
        """Return it as it is remembered, with its tag."""
        assert self._start is not None
        assert self._body is not None
        headers, body = list(self._start["headers"]), self._body.get("body", b"")
        if not any(name == b"etag" for name, _ in headers):
            headers.append((b"etag", tag(body).encode()))
        texts = sum(len(name) + len(value) for name, value in headers) + len(body)
        return Answer(
            start={**self._start, "headers": headers},
            body=self._body,
            route=scope.get("route"),
            known=now,
            mark=mark,
            length=EACH + len(scope["path"]) + len(scope["query_string"]) + texts,
        )


def _good(message: Message) -> bool:
    """Whether an answer that begins so is a good one in JSON, without a cookie."""
    headers = Headers(raw=message["headers"])
    return message["status"] == 200 and headers.get("content-type", "") == KIND and "set-cookie" not in headers


def _fits(message: Message) -> bool:
    """Whether a message is the whole body of an answer that is not too long."""
    return not message.get("more_body", False) and len(message.get("body", b"")) <= LONGEST
