"""The service: its servers, the queue, sandbox levels, versions, and whether its parts are well."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from slotforge.service.api import models
from slotforge.service.api.access import Caller, Scope, admin, reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Paging, paged
from slotforge.service.views import system as view
from slotforge.service.web.routing import pages
from slotforge.service.web.templating import page

router = pages()
Within = Annotated[Context, Depends(context_of)]


@router.get("/system")
def system(
    request: Request,
    context: Within,
    caller: Annotated[Caller, Depends(reader)],
    paging: Annotated[Paging, Depends(paged)],
) -> Response:
    """Tell about the service."""
    after = paging.after(str)
    jobs = context.queue.jobs(limit=paging.limit + 1, after=after and after[0])
    return page(
        request,
        "system.html",
        system=view.system(context.store),
        cluster=context.cluster,
        executor=context.settings.executor,
        models=models.names(context.settings),
        jobs=paging.page(jobs, lambda job: (job.id,)),
        may_check=Scope.ADMIN in caller.scopes,
    )


@router.get("/system/checks", dependencies=[Depends(admin)])
def checks(request: Request, context: Within) -> Response:
    """Look at the parts of this server, as `slotforge doctor` does."""
    return page(request, "checks.html", checks=view.checks(context.served))
