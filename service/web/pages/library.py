"""All heuristics that are known: by domain, slot, family, ratio, verdict, or words in them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from slotforge.lineage import queries
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Paging, paged
from slotforge.service.views import heuristics as view
from slotforge.service.web.routing import pages
from slotforge.service.web.templating import page

router = pages()
Name = Annotated[str, Query(max_length=200)]
Figure = Annotated[str, Query(pattern=r"^(\d{1,6}(\.\d{1,6})?)?$")]  # a form sends nothing as an empty text
SORTS = {"": view.Order.BEST, "ratio": view.Order.RATIO}


@router.get("/library", dependencies=[Depends(reader)])
def library(
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    paging: Annotated[Paging, Depends(paged)],
    domain: Name = "",
    slot: Name = "",
    family: Name = "",
    below: Figure = "",
    confirmed: Literal["", "yes", "no"] = "",
    sort: Literal["", "ratio"] = "",
    q: Name = "",
) -> Response:
    """List heuristics, what is confirmed first."""
    wanted = view.Wanted(
        domain=domain or None,
        slot=slot or None,
        family=family or None,
        below=float(below) if below else None,
        confirmed={"": None, "yes": True, "no": False}[confirmed],
        text=q,
        order=SORTS[sort],
    )
    found = view.heuristics(context.store, wanted, limit=paging.limit, after=paging.after(int, float, str))
    domains = sorted(queries.domains(context.store))
    return page(
        request,
        "library.html",
        found=found.items,
        next=paging.cursor(found.next),
        domains=domains,
        slots=sorted({one for name in ([domain] if domain else domains) for one in queries.slots(context.store, name)}),
        families=sorted(queries.families(context.store)),
        filtered=any((domain, slot, family, below, confirmed, q)),
        family=family,
    )
