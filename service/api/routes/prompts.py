"""The best prompts that are known."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query

from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.problems import documented
from slotforge.service.api.routing import Router
from slotforge.service.views import prompts
from slotforge.service.views.prompts import PromptLine, VariantView

router = Router(prefix="/v1/prompts", tags=["prompts"], dependencies=[Depends(reader)])
Here = Annotated[Context, Depends(context_of)]


@router.get("")
def list_prompts(
    context: Here,
    paging: Annotated[Paging, Depends(paged)],
    domain: Annotated[str | None, Query(max_length=200)] = None,
    operator: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[PromptLine]:
    """List the best prompt of each search for prompts, the search that got on last first."""
    found = prompts.prompts(context.store, domain, operator)
    return paging.rest(found, lambda one: (-one.changed.timestamp(), one.search), float, str)


@router.get("/{variant}", responses=documented(404))
def show_prompt(
    variant: Annotated[str, Path(max_length=64, description="Its id, or the beginning of it.")], context: Here
) -> VariantView:
    """Show the texts of a variant of a prompt."""
    return prompts.variant(context.store, variant)
