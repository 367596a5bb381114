"""Signing in with a key, and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import Response

from slotforge.service.api.access import Caller, caller_of, expect_token
from slotforge.service.api.gate.deeds import TARGET
from slotforge.service.api.problems import Refusal
from slotforge.service.api.sessions import COOKIE, Sessions, sessions_of
from slotforge.service.web.routing import pages, see
from slotforge.service.web.templating import page

router = pages()


@router.get("/login")
def ask(request: Request, next: str = "/") -> Response:
    """Ask for a key."""
    return see(_own(next)) if caller_of(request) else page(request, "login.html", next=_own(next), wrong="")


@router.post("/login", dependencies=[Depends(expect_token)])
def login(
    request: Request,
    sessions: Annotated[Sessions, Depends(sessions_of)],
    key: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Begin a session."""
    answer = see(_own(next))
    try:
        secure = request.url.scheme == "https" or request.app.state.context.settings.https
        who = Caller.of(sessions.begin(answer, key, secure=secure))
    except Refusal as refusal:
        address = request.client.host if request.client else "unknown"
        if not request.app.state.refused.wait(address):
            request.scope[TARGET] = address
        return page(request, "login.html", refusal.status, next=_own(next), wrong=refusal.detail)
    request.scope["slotforge.caller"] = who
    request.scope[TARGET] = who.name
    return answer


@router.post("/logout", dependencies=[Depends(expect_token)])
def logout(request: Request, sessions: Annotated[Sessions, Depends(sessions_of)]) -> Response:
    """End the session."""
    answer = see("/login")
    sessions.end(answer, request.cookies.get(COOKIE))
    if caller := caller_of(request):
        request.scope[TARGET] = caller.name
    return answer


def _own(target: str) -> str:
    """Return a target on this site: a path, and nothing that a browser could take for another host."""
    own = target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target
    return target if own and target.isprintable() and not target.startswith("/login") else "/"
