"""What searches have cost."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from slotforge.lineage import ledger
from slotforge.lineage.ledger import UsageLine
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.routing import Router

router = Router(prefix="/v1/usage", tags=["usage"], dependencies=[Depends(reader)])


@router.get("")
def show_usage(
    context: Annotated[Context, Depends(context_of)],
    paging: Annotated[Paging, Depends(paged)],
    owner: Annotated[str | None, Query(max_length=64, description="The name of a key; all when missing.")] = None,
) -> Page[UsageLine]:
    """Tell what runs have cost, by the month in which they began, by owner and by model; and searches for prompts."""
    lines = ledger.after(ledger.usage(context.store, owner=owner), paging.after(str, str, str))
    return paging.page(lines, ledger.place)
