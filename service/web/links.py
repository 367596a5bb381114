"""Links from a page to itself with other parameters: to sort, to filter, to turn over."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request


def here(request: Request, **changed: str | int | None) -> str:
    """Return the address of the page with some parameters changed; None leaves one out, and any change the cursor."""
    kept = {name: value for name, value in request.query_params.items() if name != "cursor"}
    wanted = {name: str(value) for name, value in {**kept, **changed}.items() if value not in (None, "")}
    return f"{request.url.path}?{urlencode(wanted, errors='replace')}" if wanted else request.url.path


def sorted_by(request: Request, key: str, *, name: str = "sort") -> str:
    """Return the address of the page sorted by a key; by the same again it is the other way round."""
    return here(request, **{name: f"-{key}" if request.query_params.get(name) == key else key})
