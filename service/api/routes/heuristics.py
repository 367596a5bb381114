"""All heuristics that are known."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.routing import Router
from slotforge.service.views.heuristics import Best, Order, Wanted, heuristics

router = Router(prefix="/v1/heuristics", tags=["heuristics"])


async def wanted(
    domain: Annotated[str | None, Query(max_length=200)] = None,
    slot: Annotated[str | None, Query(max_length=200, description="Only what replaces it.")] = None,
    family: Annotated[str | None, Query(max_length=200, description="Judge by this family alone.")] = None,
    below: Annotated[float | None, Query(allow_inf_nan=False, description="The largest ratio.")] = None,
    confirmed: Annotated[bool | None, Query(description="By unseen instances, or not; all when missing.")] = None,
    text: Annotated[str, Query(max_length=200, description="In a source, or in what the model said with it.")] = "",
    sort: Annotated[Order, Query(description="Confirmed ones first, or by ratio alone.")] = Order.BEST,
) -> Wanted:
    """Read which heuristics are asked for; a dependency."""
    return Wanted(domain=domain, slot=slot, family=family, below=below, confirmed=confirmed, text=text, order=sort)


@router.get("", dependencies=[Depends(reader)])
def list_heuristics(
    context: Annotated[Context, Depends(context_of)],
    paging: Annotated[Paging, Depends(paged)],
    asked: Annotated[Wanted, Depends(wanted)],
) -> Page[Best]:
    """List heuristics; with a text there may be fewer on a page than were asked for, and more to come."""
    found = heuristics(context.store, asked, limit=paging.limit, after=paging.after(int, float, str))
    return Page(items=found.items, next=paging.cursor(found.next))
