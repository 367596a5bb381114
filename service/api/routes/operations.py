"""For who operates the service: whether it lives, whether it is ready, and its figures."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Request, Response

from slotforge.core.types import Record
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.problems import Refusal
from slotforge.service.api.routing import Router

router = Router(tags=["operations"])
FORMAT = "text/plain; version=0.0.4; charset=utf-8"


class Health(Record):
    """That the process answers."""

    status: Literal["ok"] = "ok"


@router.get("/health")
async def health() -> Health:
    """Say that the process answers."""
    return Health()


@router.get("/ready")
def ready(request: Request, context: Annotated[Context, Depends(context_of)]) -> Health:
    """Say that the database answers and that jobs are looked after; otherwise 503."""
    context.queue.jobs(limit=1)
    supervisor = getattr(request.app.state, "supervisor", None)
    if supervisor is not None and (why := supervisor.trouble):
        raise Refusal(503, why)
    return Health()


@router.get(
    "/metrics", dependencies=[Depends(reader)], response_class=Response, responses={200: {"content": {FORMAT: {}}}}
)
def metrics(request: Request) -> Response:
    """Tell the figures of this process and of the store, in the text format of Prometheus."""
    return Response(request.app.state.metrics.text(), media_type=FORMAT)
