"""Runs and candidates whole, as the command line prints them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from fastapi.responses import StreamingResponse

from slotforge.core.prompting import PromptRecord
from slotforge.lineage.prompts import PromptBook
from slotforge.lineage.records import CandidateDetails
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.problems import documented
from slotforge.service.api.routing import Router
from slotforge.service.views import details, runs
from slotforge.service.views.details import Found
from slotforge.service.views.runs import RunShown

router = Router(prefix="/v1/records", tags=["records"], dependencies=[Depends(reader)])
Ref = Annotated[str, Path(max_length=64, description="An id, or the beginning of it.")]
PIECE = 64 << 10  # characters
Here = Annotated[Context, Depends(context_of)]
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "One JSON object a line.", "content": {"application/x-ndjson": {}}}
}


@router.get("/prompts")
def list_searches_for_prompts(
    context: Here,
    paging: Annotated[Paging, Depends(paged)],
    domain: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[PromptRecord]:
    """List the searches for prompts with all variants and samples, the one that got on last first."""
    found = PromptBook(context.store).searches(domain)
    return paging.rest(found, lambda one: (-one.changed.timestamp(), one.search.id), float, str)


@router.get("/{ref}", responses=documented(404))
def find(ref: Ref, context: Here) -> Found:
    """Say what the beginning of an id belongs to."""
    return details.found(context.store, ref)


@router.get("/runs/{run}", responses=documented(404))
def show_run(run: Ref, context: Here) -> RunShown:
    """Show all about a run but its trials: every reason of a failure, and what verdicts rest on."""
    return runs.elsewhere(runs.shown(context.store, runs.run_id(context.store, run)))


@router.get("/candidates/{candidate}", responses=documented(404))
def show_candidate(candidate: Ref, context: Here) -> CandidateDetails:
    """Show all about a candidate: every trial that led to it, with exchanges and measurements."""
    return details.details(context.store, candidate)


@router.get("/runs/{run}/replay", response_class=StreamingResponse, responses=documented(404) | FILE)
def replay(run: Ref, context: Here) -> StreamingResponse:
    """Download the exchanges of a run with its model, for discover --model replay:FILE."""
    return StreamingResponse(_pieces(details.replay(context.store, run)), media_type="application/x-ndjson")


def _pieces(lines: Iterator[str]) -> Iterator[str]:
    """Join lines to pieces that are worth sending."""
    piece = ""
    for line in lines:
        piece += line
        if len(piece) >= PIECE:
            yield piece
            piece = ""
    yield piece
