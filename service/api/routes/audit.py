"""Who did what through the service."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from slotforge.lineage.audit import AuditRecord, audit
from slotforge.service.api.access import admin
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.routing import Router

router = Router(prefix="/v1/audit", tags=["audit"], dependencies=[Depends(admin)])


@router.get("")
def list_audit(
    context: Annotated[Context, Depends(context_of)],
    paging: Annotated[Paging, Depends(paged)],
    actor: Annotated[str | None, Query(max_length=64, description="The name of a key; all when missing.")] = None,
) -> Page[AuditRecord]:
    """List every unsafe request that was made, the newest first."""
    after = paging.after(int)
    found = audit(context.store, limit=paging.limit + 1, before=after and after[0], actor=actor)
    return paging.page(found, lambda one: (one.id,))
