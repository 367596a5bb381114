"""A server that answers what it is told, for tests of the client."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import httpx

from slotforge.service.artefacts.shelf import ArtefactRecord
from slotforge.service.client import Client
from slotforge.service.transport import Transport

Handler = Callable[[httpx.Request], httpx.Response]
BLOB = {"name": "a", "owner": "ann", "size": 1, "facts": {}, "at": "2026-01-01T00:00:00Z"}


class Spoken:
    """A server that answers from a list, and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, token: str | None = None, url: str = "http://127.0.0.1:1") -> Client:
        to = Transport(url, token, sleep=self.waits.append, transport=httpx.MockTransport(self))
        return Client(transport=to)


def problem(status: int, detail: str, **headers: str) -> httpx.Response:
    body = {"type": "about:blank", "title": "x", "status": status, "detail": detail}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json", **headers})


def ok(value: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=value)


def artefact(content: bytes, file: str = "cpp_ab.hpp") -> ArtefactRecord:
    digest = hashlib.sha256(content).hexdigest()
    return ArtefactRecord(id="0" * 16, candidate="ab", kind="cpp", file=file, size=len(content), sha256=digest)
