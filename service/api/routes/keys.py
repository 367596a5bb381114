"""Keys of the API: made, listed and revoked by administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request, Response
from pydantic import Field

from slotforge.core.types import Record
from slotforge.lineage import keys
from slotforge.lineage.allowance import Allowance
from slotforge.lineage.keys import KeyRecord, NewKey, Scope
from slotforge.service.api.access import admin
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.problems import documented
from slotforge.service.api.routing import Router

router = Router(prefix="/v1/keys", tags=["keys"], dependencies=[Depends(admin)])
Name = Annotated[str, Path(max_length=64)]


class Limits(Record):
    """How much the owner of a key may use at once (runs, cpus), in a calendar month (usd), and keep of uploads (bytes).

    null is no limit.
    """

    runs: int | None = Field(default=None, ge=0, le=1_000_000)
    cpus: int | None = Field(default=None, ge=0, le=1_000_000)
    usd: float | None = Field(default=None, ge=0, le=1e9)
    bytes: int | None = Field(default=None, ge=0, le=1 << 50)


class KeyRequest(Record):
    """A key that is to be made. days: that it is valid; null is for ever."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    scopes: tuple[Scope, ...] = Field(default=("read",), min_length=1, max_length=3)
    limits: Limits = Limits()
    days: float | None = Field(default=None, gt=0, le=36_500)


@router.get("")
def list_keys(
    context: Annotated[Context, Depends(context_of)], paging: Annotated[Paging, Depends(paged)]
) -> Page[KeyRecord]:
    """List the keys by name, without their secrets."""
    after = paging.after(str)
    found = keys.keys(context.store, limit=paging.limit + 1, after=after and after[0])
    return paging.page(found, lambda key: (key.name,))


@router.post("", status_code=201, responses=documented(409))
def make_key(
    request: Request, response: Response, wanted: KeyRequest, context: Annotated[Context, Depends(context_of)]
) -> NewKey:
    """Make a key; its secret is told in this answer alone: sent again, the request is answered 409."""
    made = keys.add_key(
        context.store,
        wanted.name,
        wanted.scopes,
        limits=Allowance(**wanted.limits.model_dump()),
        days=wanted.days,
    )
    request.app.state.keyring.forget()
    response.headers["Location"] = f"/v1/keys/{made.key.name}"
    return made


@router.get("/{name}", responses=documented(404))
def show_key(name: Name, context: Annotated[Context, Depends(context_of)]) -> KeyRecord:
    """Show a key, without its secret."""
    return keys.key(context.store, name)


@router.delete("/{name}", responses=documented(404, 409))
def revoke_key(request: Request, name: Name, context: Annotated[Context, Depends(context_of)]) -> KeyRecord:
    """Revoke a key, be it one's own: it lets nobody in any more, and stays in the records.

    The last key of an administrator is left, unless the server has one in its token file.
    """
    revoked = keys.revoke(context.store, name, spare_last_admin=context.settings.token_file is None)
    request.app.state.keyring.forget()
    return revoked
