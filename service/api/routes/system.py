"""The service itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from slotforge.core.types import Record
from slotforge.service.api import models
from slotforge.service.api.access import Caller, admin, reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.routing import Router
from slotforge.service.views.system import Check, SystemShown, checks, system

router = Router(prefix="/v1/system", tags=["system"])
Here = Annotated[Context, Depends(context_of)]


class Checks(Record):
    """What looks at the parts of a server found."""

    checks: tuple[Check, ...]


@router.get("")
def show_system(context: Here, caller: Annotated[Caller, Depends(reader)]) -> SystemShown:
    """Tell versions, servers, the nodes of the cluster, the models offered, and who you are."""
    return SystemShown(
        **dict(system(context.store)),
        executor=context.settings.executor,
        cluster=context.cluster,
        models=models.names(context.settings),
        workers=context.settings.usual_workers,
        caller=caller.name,
        scopes=tuple(sorted(caller.scopes)),
    )


@router.get("/checks", dependencies=[Depends(admin)])
def show_checks(context: Here) -> Checks:
    """Look at the parts of this server, as `slotforge doctor` does; at most once a minute; takes seconds."""
    return Checks(checks=checks(context.served))
