"""All runs: how they stand, the best so far, and what they cost."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.responses import Response

from slotforge.lineage import queries
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Paging, paged
from slotforge.service.views import course
from slotforge.service.views import runs as view
from slotforge.service.views.costs import costs
from slotforge.service.web.routing import pages
from slotforge.service.web.templating import page

router = pages()
UNENDED = (view.RunState.RUNNING, view.RunState.QUEUED)


@router.get("/", dependencies=[Depends(reader)])
def runs(
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    paging: Annotated[Paging, Depends(paged)],
    state: view.RunState | Literal[""] = "",
    domain: str = "",
    q: str = "",
) -> Response:
    """List the runs, the newest first."""
    found = view.runs(
        context.store,
        states=(state,) if state else (),
        domain=domain or None,
        text=q,
        limit=paging.limit,
        after=paging.after(float, str),
    )
    ids = [line.id for line in found.items]
    return page(
        request,
        "runs.html",
        runs=found.items,
        next=paging.cursor(found.next),
        costs=costs(context.store, ids),
        curves=course.curves(context.store, ids),
        domains=sorted(queries.domains(context.store)),
        states=list(view.RunState),
        filtered=bool(state or domain or q),
        live=any(line.state in UNENDED for line in found.items),
    )
