"""Named suites of uploaded instances."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from slotforge.core.errors import UnknownId
from slotforge.core.types import Record
from slotforge.lineage import suites
from slotforge.lineage.blobs import InUse
from slotforge.lineage.suites import SuiteRecord, SuiteSummary
from slotforge.service.api.access import Caller, expect_owner, reader, runner
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.problems import Refusal, documented
from slotforge.service.api.routing import Router
from slotforge.service.api.uploads import body, receive
from slotforge.service.api.wording import shaped
from slotforge.service.instances.uploaded import SuiteUploaded

router = Router(prefix="/v1/suites", tags=["instances"])
Here = Annotated[Context, Depends(context_of)]
PATTERN = f"^{suites.NAME.pattern}$"
Name = Annotated[str, Path(pattern=PATTERN, description="Of the suite."), shaped(PATTERN, suites.WANTED)]


class Contents(Record):
    """What a suite is to hold: ids of uploaded instances, in full."""

    instances: tuple[Annotated[str, Field(pattern="^[0-9a-f]{64}$")], ...] = Field(min_length=1, max_length=100_000)


@router.get("", dependencies=[Depends(reader)])
def every(context: Here, paging: Annotated[Paging, Depends(paged)]) -> Page[SuiteSummary]:
    """List the suites by name."""
    after = paging.after(str)
    found = suites.suites(context.store, limit=paging.limit + 1, after=after and after[0])
    return paging.page(found, lambda suite: (suite.name,))


@router.get("/{name}", dependencies=[Depends(reader)], responses=documented(404))
def show(name: Name, context: Here) -> SuiteRecord:
    """Show a suite with its instances."""
    return suites.suite(context.store, name)


@router.put("/{name}", responses=documented(404, 409))
def put(name: Name, contents: Contents, context: Here, caller: Annotated[Caller, Depends(runner)]) -> SuiteRecord:
    """Make a suite of uploaded instances, or give it these in the place of those that it has."""
    return _put(context, name, contents.instances, caller)


@router.post("/{name}", status_code=201, responses=documented(404, 409, 413), openapi_extra=body(raw=False))
async def upload(
    name: Name, request: Request, response: Response, context: Here, caller: Annotated[Caller, Depends(runner)]
) -> SuiteUploaded:
    """Upload CNF files, such as those of a folder, and make the suite of them; see POST /v1/instances."""
    response.headers["Location"] = f"/v1/suites/{name}"
    return await made_of(name, request, context, caller)


async def made_of(name: str, request: Request, context: Context, caller: Caller) -> SuiteUploaded:
    """Make a suite of the files that a request brings."""
    await run_in_threadpool(_owner, context, name, caller)
    found = await receive(request, context.vault, owner=caller.name)
    ids = tuple(instance.id for instance in found.instances)
    suite = await run_in_threadpool(_put, context, name, ids, caller)
    return SuiteUploaded(suite=suite, left_out=found.left_out, warnings=found.warnings)


@router.delete("/{name}", status_code=204, responses=documented(404, 409))
def delete(name: Name, context: Here, caller: Annotated[Caller, Depends(runner)]) -> None:
    """Delete a suite, and none of its instances."""
    expect_owner(caller, owner := suites.suite(context.store, name).owner)
    try:
        suites.remove(context.store, name, owner=owner)
    except InUse as error:
        raise Refusal(409, str(error)) from None


def _put(context: Context, name: str, ids: tuple[str, ...], caller: Caller) -> SuiteRecord:
    owner = _owner(context, name, caller)
    try:
        return suites.put(context.store, name, ids, owner=owner)
    except InUse as error:
        raise Refusal(409, str(error)) from None


def _owner(context: Context, name: str, caller: Caller) -> str:
    """Say whose a suite is to be; refuse a caller who may not change it."""
    try:
        found = suites.suite(context.store, name)
    except UnknownId:
        return caller.name
    expect_owner(caller, found.owner)
    return found.owner
