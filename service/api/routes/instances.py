"""Uploaded instances."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from slotforge.lineage.blobs import BlobRecord, InUse, place
from slotforge.service.api.access import Caller, expect_owner, reader, runner
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.gate.etags import matches
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.problems import Refusal, documented
from slotforge.service.api.routing import Router
from slotforge.service.api.uploads import body, receive
from slotforge.service.instances.uploaded import Uploaded

router = Router(prefix="/v1/instances", tags=["instances"])
Here = Annotated[Context, Depends(context_of)]
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file, compressed by gzip.", "content": {"application/gzip": {}}}
}


@router.post("", status_code=201, responses=documented(413), openapi_extra=body(raw=True))
async def upload(
    request: Request,
    context: Here,
    caller: Annotated[Caller, Depends(runner)],
    name: Annotated[str, Query(max_length=1000, description="Of the file, where the body is one as it is.")] = "",
) -> Uploaded:
    """Upload CNF files, plain or compressed by gzip, xz or bzip2; the same content is kept once."""
    return await receive(request, context.vault, owner=caller.name, name=name)


@router.get("", dependencies=[Depends(reader)])
def instances(context: Here, paging: Annotated[Paging, Depends(paged)]) -> Page[BlobRecord]:
    """List the uploaded instances, the newest first."""
    found = context.vault.records(limit=paging.limit + 1, after=paging.after(float, str))
    return paging.page(found, place)


@router.get("/{instance}", dependencies=[Depends(reader)], responses=documented(404))
def instance(instance: str, context: Here) -> BlobRecord:
    """Show an instance, by its id or the first eight or more digits of it."""
    return context.vault.record(instance)


@router.get(
    "/{instance}/content",
    dependencies=[Depends(reader)],
    response_class=StreamingResponse,
    responses=documented(404) | FILE,
)
def content(instance: str, request: Request, context: Here) -> Response:
    """Download an instance."""
    found = context.vault.record(instance)
    tag = {"ETag": f'"{found.id}"'}
    if matches(request.headers.get("if-none-match"), tag["ETag"]):
        return Response(status_code=304, headers=tag)
    headers = tag | {"Content-Disposition": f'attachment; filename="{found.id}.cnf.gz"'}
    return StreamingResponse(context.vault.packed(found.id), media_type="application/gzip", headers=headers)


@router.delete("/{instance}", status_code=204, responses=documented(404, 409))
def delete(instance: str, context: Here, caller: Annotated[Caller, Depends(runner)]) -> None:
    """Delete an instance that no suite holds."""
    expect_owner(caller, context.vault.record(instance).owner)
    try:
        context.vault.remove(instance)
    except InUse as error:
        raise Refusal(409, str(error)) from None
