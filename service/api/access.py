"""Who calls, and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request

from slotforge.lineage.keys import KeyRecord
from slotforge.service.api.problems import Refusal
from slotforge.service.api.sessions import COOKIE, FIELD, HEADER, sessions_of

SAFE = ("GET", "HEAD", "OPTIONS")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
BROWSERS = ("sec-fetch-site", "origin", "cookie")  # headers that show that a browser may have sent a request
CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Scope(StrEnum):
    """What a key allows; each includes those before it."""

    READ = "read"
    RUN = "run"
    ADMIN = "admin"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sent a request. name: of their key, or "local" where none is needed."""

    name: str
    scopes: frozenset[Scope]

    @classmethod
    def of(cls, key: KeyRecord) -> Caller:
        """Return who holds a key."""
        granted = max(map(list(Scope).index, map(Scope, key.scopes)), default=-1)
        return cls(name=key.name, scopes=frozenset(list(Scope)[: granted + 1]))


LOCAL = Caller(name="local", scopes=frozenset(Scope))


def caller_of(request: Request) -> Caller | None:
    """Return who sent a request, if that is known."""
    found: Caller | None = request.scope.get("slotforge.caller")
    return found


async def validity_of(request: Request) -> Callable[[], bool]:
    """Return what says whether the sender of a request is still who they were: their key may be revoked meanwhile."""
    found: Callable[[], bool] = request.scope["slotforge.valid"]
    return found


async def reader(request: Request) -> Caller:
    """Let in who may read; a dependency."""
    return await _admit(request, Scope.READ)


async def runner(request: Request) -> Caller:
    """Let in who may start and stop runs; a dependency."""
    return await _admit(request, Scope.RUN)


async def admin(request: Request) -> Caller:
    """Let in who may manage keys; a dependency."""
    return await _admit(request, Scope.ADMIN)


NEEDS: Mapping[object, Scope] = {reader: Scope.READ, runner: Scope.RUN, admin: Scope.ADMIN}
"""What each of these dependencies asks for, from the least to the most."""


def refusal(caller: Caller | None, scope: Scope) -> Refusal | None:
    """Say why a caller may not do what needs a scope; None where they may."""
    if caller is None:
        advice = "send `Authorization: Bearer KEY`, with a key that `slotforge keys add NAME` has made"
        return Refusal(401, f"who are you? {advice}", headers=CHALLENGE)
    if scope not in caller.scopes:
        return Refusal(403, f"the key '{caller.name}' has not the scope '{scope}' that this needs")
    return None


def may_change(caller: Caller, owner: str) -> bool:
    """Whether a caller may change what somebody owns: it is theirs, or they are an admin."""
    return Scope.RUN in caller.scopes and (caller.name == owner or Scope.ADMIN in caller.scopes)


def expect_owner(caller: Caller, owner: str) -> None:
    """Refuse a change to what is another's, unless the caller is an admin."""
    if not may_change(caller, owner):
        raise Refusal(403, f"this belongs to '{owner}': use their key, or one with the scope 'admin'")


async def _admit(request: Request, scope: Scope) -> Caller:
    caller = caller_of(request)
    refused = refusal(caller, scope)
    if caller is None or refused is not None:
        raise refused or AssertionError("nobody is let in")
    if request.method not in SAFE and "authorization" not in request.headers:
        await expect_token(request)
    return caller


async def expect_token(request: Request) -> None:
    """Refuse an unsafe request of a browser without the token of its session; a dependency."""
    if not any(header in request.headers for header in BROWSERS):
        return
    token = request.headers.get(HEADER)
    if token is None and request.headers.get("content-type", "").partition(";")[0].strip().lower() in FORMS:
        limits = request.app.state.context.settings.instances
        token = str((await request.form(max_files=limits.files)).get(FIELD, ""))
    if not sessions_of(request).genuine(request.cookies.get(COOKIE), token or ""):
        raise Refusal(403, f"the field {FIELD} or the header X-CSRF-Token is missing or old: load the page again")
