"""Requests that may be sent again: the same Idempotency-Key has the same answer, and is carried out once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotforge.core.errors import SlotforgeError
from slotforge.lineage import replies
from slotforge.lineage.store import SqlStore
from slotforge.service.api.access import Caller
from slotforge.service.api.gate._asgi import one
from slotforge.service.api.problems import answer, status_of, told, why

HEADER = "Idempotency-Key"
REPEATED = "Idempotent-Replayed"
UNKEPT = ("/v1/instances", "/v1/suites")
"""What is made there is named by its content anyway."""
SECRET = ("/v1/keys",)
"""Good answers from there hold a secret, and are not kept."""
TOLD_ONCE = (
    "this request was carried out, and the secret of the key was told in its first answer alone: where that was lost, "
    "revoke the key, and make one of another name"
)
_KEY = re.compile(r"[!-~]{1,255}")
JOB = "slotforge.job"
SOON = {"Retry-After": "1"}
REFUSED = 400  # and above
KEPT_HEADERS = ("content-type", "location")


class Repeats:
    """Answers a POST that was answered before, with what it was answered."""

    def __init__(self, app: ASGIApp, *, store: SqlStore) -> None:
        self.app, self._store = app, store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on for the first time, and repeat its answer afterwards."""
        caller = scope.get("slotforge.caller")
        if not takes(scope) or caller is None or (key := one(scope, HEADER.lower().encode())) is None:
            return await self.app(scope, receive, send)
        if not _KEY.fullmatch(key):
            why = f"the header {HEADER} must hold 1 to 255 visible ASCII characters, once"
            return await answer(422, why)(scope, receive, send)
        return await self._answer(caller, key, scope, receive, send)

    async def _answer(self, caller: Caller, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return None
        except HTTPException as error:
            return await told(Request(scope), error)(scope, receive, send)
        try:
            claim = await run_in_threadpool(replies.claim, self._store, caller.name, key, _digest(scope, body))
        except SlotforgeError as error:
            later = SOON if isinstance(error, replies.UnderWay) else None
            return await answer(status_of(error), why(error), headers=later)(scope, receive, send)
        if claim.answer is not None:
            return await _repeated(claim.answer)(scope, receive, send)
        scope[JOB] = claim.job
        heard = _Heard(send)
        try:
            await self.app(scope, _again(body, receive), heard)
        finally:
            if heard.lasting:
                await run_in_threadpool(replies.keep, self._store, claim, _kept(scope, heard.answer()))
            else:
                await run_in_threadpool(replies.forget, self._store, claim)
        return await heard.release()


async def job_of(request: Request) -> str | None:
    """Return the id of the job that a request makes, where it has a key; a dependency."""
    found: str | None = request.scope.get(JOB)
    return found


def takes(scope: Scope) -> bool:
    """Whether a request may carry an idempotency key."""
    if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith("/v1/"):
        return False
    return not _within(scope, UNKEPT)


def _within(scope: Scope, paths: Sequence[str]) -> bool:
    return any(scope["path"] == path or scope["path"].startswith(f"{path}/") for path in paths)


def _kept(scope: Scope, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a request is answered with when it comes again: what it was answered, unless that is a secret."""
    if not _within(scope, SECRET):
        return told
    problem = answer(409, TOLD_ONCE)
    return {"status": 409, "headers": {"content-type": problem.media_type}, "body": bytes(problem.body).decode()}


class _Heard:
    """An answer, held back until it is kept."""

    def __init__(self, send: Send) -> None:
        self._send, self._messages = send, list[Message]()

    async def __call__(self, message: Message) -> None:
        self._messages.append(message)

    @property
    def lasting(self) -> bool:
        """Whether it is whole, and no refusal: what is refused was not carried out, and may be right the next time."""
        if not self._messages or self._messages[-1].get("more_body", False):
            return False
        status: int = self._messages[0]["status"]
        return status < REFUSED

    def answer(self) -> Mapping[str, Any]:
        """Return it as it is kept."""
        headers = Headers(raw=self._messages[0]["headers"])
        body = b"".join(message.get("body", b"") for message in self._messages[1:])
        kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
        return {"status": self._messages[0]["status"], "headers": kept, "body": body.decode("utf-8", "replace")}

    async def release(self) -> None:
        """Send it."""
        for message in self._messages:
            await self._send(message)


def _repeated(known: Mapping[str, Any]) -> Response:
    response = Response(known["body"], known["status"])
    MutableHeaders(raw=response.raw_headers).update({**known["headers"], REPEATED: "true"})
    return response


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _digest(scope: Scope, body: bytes) -> str:
    kind = one(scope, b"content-type") or ""
    parts = [scope["path"].encode("utf-8", "surrogatepass"), scope["query_string"], kind.encode("latin-1"), body]
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
