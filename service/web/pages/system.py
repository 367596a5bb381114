"""The service: its servers, the queue, sandbox levels, versions, and whether its parts are well."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from slotforge.service.api import models
from slotforge.service.api.access import Caller, Scope, admin, reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.views import system as view
from slotforge.service.web.routing import pages
from slotforge.service.web.templating import page

router = pages()
Within = Annotated[Context, Depends(context_of)]
JOBS = 20


@router.get("/system")
def system(request: Request, context: Within, caller: Annotated[Caller, Depends(reader)]) -> Response:
    """Tell about the service."""
    return page(
        request,
        "system.html",
        system=view.system(context.store),
        cluster=context.cluster,
        executor=context.settings.executor,
        models=models.names(context.settings),
        jobs=context.queue.jobs(limit=JOBS),
        may_check=Scope.ADMIN in caller.scopes,
    )


@router.get("/system/checks", dependencies=[Depends(admin)])
def checks(request: Request, context: Within) -> Response:
    """Look at the parts of this server, as `slotforge doctor` does."""
    where = context.store.url.render_as_string(hide_password=False)
    return page(request, "checks.html", checks=view.checks(where, context.settings.executor))
