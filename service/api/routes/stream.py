"""The progress of a run as server-sent events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse

from slotforge.lineage.store import SqlStore
from slotforge.service.api.access import reader, validity_of
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.problems import documented
from slotforge.service.api.routing import Router
from slotforge.service.api.streaming import ENDED, hub
from slotforge.service.views.progress import Seen, news
from slotforge.service.views.runs import run_id

router = Router(route_class=APIRoute, prefix="/v1/runs", tags=["runs"])
NOW = "now"
HEADERS = {"X-Accel-Buffering": "no"}
ABOUT = """\
Events: `log` and `trial`, whose ids tell all that was sent so far, so that `Last-Event-ID` goes on without a loss or a
double; `budget` and `state` when they change; `end`, after which there is nothing. A client that comes back after the
end is answered 204, which tells browsers not to come again."""
EVENT = {
    "description": "An event; `data` is a JSON document.",
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["log", "trial", "budget", "state", "end"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string"},
    },
    "required": ["event", "data"],
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": ABOUT, "content": {"text/event-stream": {"schema": EVENT}}},
    204: {"description": "The run has ended, and all of it was sent before."},
}


@router.get(
    "/{run}/events",
    dependencies=[Depends(reader)],
    response_class=StreamingResponse,
    responses=documented(404, 503) | ANSWERS,
)
async def stream_run(
    run: Annotated[str, Path(max_length=64, description="The id of a run, or the beginning of it.")],
    context: Annotated[Context, Depends(context_of)],
    valid: Annotated[Callable[[], bool], Depends(validity_of)],
    since: Annotated[
        str,
        Query(
            max_length=4096,
            description='What was seen: the id of an event, "now" (to within a second), or nothing at all.',
        ),
    ] = "",
    last_event_id: Annotated[str | None, Header(max_length=4096)] = None,
) -> Response:
    """Stream the trials of a run as they are recorded, its log, budget and state, until it has ended."""
    streams = hub(context.store)
    text = last_event_id or since
    id_ = await streams.look(run_id, context.store, run)
    known = streams.now(id_) if text == NOW else None
    seen, over = (known, False) if known else await streams.look(_open, context.store, id_, text)
    if over:
        return Response(status_code=204)
    return EventSourceResponse(streams.stream(id_, seen, valid), headers=HEADERS)


def _open(store: SqlStore, run: str, text: str) -> tuple[Seen, bool]:
    """Find what was seen of a run, and whether that is all there will be."""
    seen = Seen.all_of(store, run) if text == NOW else Seen.read(text) if text else Seen()
    found = news(store, {run: seen.known})[run]
    fresh = [one for one in found.trials if one.number not in seen.trials]
    lines = [one for one in found.log if one.id not in seen.log]
    return seen, bool(text) and found.standing.state in ENDED and not (fresh or lines)
