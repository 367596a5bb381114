"""Templates into pages: all that is printed is escaped, unless `charts` or `highlight` made it as markup."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from slotforge import __version__
from slotforge.service.api.access import Scope, caller_of, may_change
from slotforge.service.api.sessions import csrf_token
from slotforge.service.web import charts, highlight, notices, words
from slotforge.service.web.links import here, sorted_by
from slotforge.service.web.pages.static import asset

FOLDER = Path(__file__).parent / "templates"
FILTERS = ("ago", "count", "interval", "number", "ratio", "share", "side", "size", "span", "usd", "words")


@cache
def environment() -> Environment:
    """Set the templates up."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=words.printed,
    )
    made.filters |= {name: getattr(words, name) for name in FILTERS}
    made.filters |= {"code": highlight.code, "diff": highlight.diff, "plain": highlight.plain}
    made.globals |= {"asset": asset, "charts": charts, "version": __version__, "here": here, "sorted_by": sorted_by}
    return made


def page(request: Request, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """Render a page; who looks at it, and what they may do, is known from the request."""
    caller, lines = caller_of(request), notices.told(request)
    text = (
        environment()
        .get_template(template)
        .render(
            request=request,
            path=request.url.path,
            caller=caller,
            may_run=caller is not None and Scope.RUN in caller.scopes,
            may_change=lambda owner: caller is not None and may_change(caller, owner),
            token=csrf_token(request),
            notices=lines,
            **facts,
        )
    )
    answer = HTMLResponse(text, status, {"Cache-Control": "no-store"})
    if lines:
        notices.forget(answer)
    return answer
