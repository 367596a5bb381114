"""What a form has to tell on the page that it leads to: lines in a signed cookie, shown once and there alone."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from slotforge.service.api.sessions import sessions_of

COOKIE = "slotforge_told"
LASTS_S = 60
LONGEST = 200  # characters of a line
ROOM = 2400  # bytes of all lines, as a cookie may be of 4096


def see(request: Request, target: str, lines: Sequence[str] = ()) -> Response:
    """Go on to another page after a form was sent, and tell lines there."""
    answer = RedirectResponse(target, 303)
    if lines:
        text = base64.urlsafe_b64encode(json.dumps([urlsplit(target).path, *_fitting(lines)]).encode()).decode()
        value = f"{text}.{_signature(request, text)}"
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, value, max_age=LASTS_S, httponly=True, samesite="strict", secure=secure)
    return answer


def told(request: Request) -> tuple[str, ...]:
    """Return the lines that are to be told on the page that is asked for."""
    text, _, signature = request.cookies.get(COOKIE, "").partition(".")
    if not text or not signature.isascii() or not hmac.compare_digest(_signature(request, text), signature):
        return ()
    try:
        path, *lines = json.loads(base64.urlsafe_b64decode(text))
    except (ValueError, binascii.Error):
        return ()
    return tuple(lines) if path == request.url.path else ()


def forget(answer: Response) -> None:
    """Tell no more what was told."""
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")


def _fitting(lines: Sequence[str]) -> list[str]:
    """Cut lines, and leave out those that there is no room for."""
    kept: list[str] = []
    room = ROOM
    for line in lines:
        cut = line[:LONGEST]
        room -= len(json.dumps(cut))
        if room < 0:
            return [*kept, f"and {len(lines) - len(kept)} more"]
        kept.append(cut)
    return kept


def _signature(request: Request, text: str) -> str:
    return sessions_of(request).seal("told", text).hex()
