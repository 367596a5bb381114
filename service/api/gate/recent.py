"""Answers of a moment ago, given again to who asks the same: many who look at one page cost the store one look."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.lineage.store import SqlStore

KEPT_S = 0.5  # also how late it may be seen here what another process has written
LONGEST = 256 << 10  # bytes of an answer
LONGEST_QUERY = 1024  # bytes
MOST = 32 << 20  # bytes of all answers, with what they answer
MOST_ANSWERS = 4096
EACH = 1024  # bytes that an answer takes beside its texts
KIND = "application/json"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered, when, and how often this process had written before; see `SqlStore.written`."""

    messages: tuple[Message, ...]
    at: float
    written: int
    length: int


class Recent:
    """Remembers whole JSON answers of the API, by caller, for as long as this process writes nothing."""

    def __init__(self, app: ASGIApp, *, store: SqlStore, clock: Callable[[], float] = time.monotonic) -> None:
        self.app, self._store, self._clock = app, store, clock
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._length = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET as a moment ago, or pass it on and remember its answer."""
        caller = scope.get("slotforge.caller")
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or caller is None
            or not scope["path"].startswith("/v1/")
            or len(scope["path"]) + len(scope["query_string"]) > LONGEST_QUERY
        ):
            return await self.app(scope, receive, send)
        key = (caller, scope["path"], scope["query_string"])
        at, written = self._clock(), self._store.written
        known = self._answers.get(key)
        if known and known.written == written and at - known.at <= KEPT_S:
            for message in known.messages:
                await send(dict(message))
            return None
        heard: list[Message] = []

        async def hear(message: Message) -> None:
            if _fits(heard, message):
                heard.append({**message, "headers": list(message["headers"])} if "headers" in message else message)
            await send(message)

        await self.app(scope, receive, hear)
        if len(heard) == 2:
            told = Answer(messages=tuple(heard), at=at, written=written, length=_length(scope, heard))
            self._remember(key, told)
        return None

    def _remember(self, key: Hashable, answer: Answer) -> None:
        before = self._answers.pop(key, None)
        self._answers[key] = answer
        self._length += answer.length - (before.length if before else 0)
        while self._answers and self._over(next(iter(self._answers.values()))):
            self._length -= self._answers.popitem(last=False)[1].length

    def _over(self, oldest: Answer) -> bool:
        """Whether the oldest answer is to be forgotten: it is too old, or there is no room."""
        full = self._length > MOST or len(self._answers) > MOST_ANSWERS
        return full or oldest.written != self._store.written or self._clock() - oldest.at > KEPT_S


def _fits(heard: list[Message], message: Message) -> bool:
    """Whether a message is the first, of a good answer in JSON without a cookie, or its whole body."""
    if message["type"] == "http.response.start":
        headers = Headers(raw=message["headers"])
        return message["status"] == 200 and headers.get("content-type", "") == KIND and "set-cookie" not in headers
    return len(heard) == 1 and not message.get("more_body", False) and len(message.get("body", b"")) <= LONGEST


def _length(scope: Scope, heard: list[Message]) -> int:
    """Return about how many bytes it takes to remember an answer."""
    headers = sum(len(name) + len(value) for name, value in heard[0]["headers"])
    asked = len(scope["path"]) + len(scope["query_string"])
    return EACH + asked + headers + len(heard[1].get("body", b""))
