"""A confirmation in the queue: how it stands, and its verdict. A search is shown as its run."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.responses import Response

from slotforge.core.errors import UnknownId
from slotforge.core.types import Terms
from slotforge.lineage import queries
from slotforge.lineage.jobs import ENDED
from slotforge.service.api.access import Caller, reader, runner
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.steering import steer
from slotforge.service.jobs import log
from slotforge.service.jobs.log import JobLog
from slotforge.service.jobs.outcome import Outcome
from slotforge.service.jobs.queue import ConfirmConfig, JobRecord
from slotforge.service.web.pages.candidate import terms
from slotforge.service.web.routing import pages, see
from slotforge.service.web.steering import wishes
from slotforge.service.web.templating import page

router = pages()
Within = Annotated[Context, Depends(context_of)]
LAST_BYTES = 3000  # of a log, beside other things


@router.get("/jobs/{job}", dependencies=[Depends(reader)])
def job(request: Request, job: str, context: Within) -> Response:
    """Show a confirmation."""
    found = context.queue.job(job)
    if found.kind == "search":
        return see(f"/runs/{found.id}")
    outcome = Outcome.read(found.result) if found.result else None
    ended = found.state in ENDED
    said = last_words(found)
    return page(
        request,
        "job.html",
        job=found,
        outcome=outcome,
        terms=_terms(context, found),
        wishes=wishes(found),
        ended=ended,
        process=said,
    )


@router.get("/jobs/{job}/log", dependencies=[Depends(reader)])
def job_log(request: Request, job: str, context: Within) -> Response:
    """Show what the process of a job has said."""
    found = context.queue.job(job)
    return page(request, "process.html", job=found, log=log.tail(found.id))


@router.post("/jobs/{job}/{wish}")
def wish_for(
    job: str, wish: Literal["pause", "resume", "cancel"], context: Within, caller: Annotated[Caller, Depends(runner)]
) -> Response:
    """Ask for a job to pause, to go on, or to be cancelled."""
    found = steer(context, caller, job, wish)
    return see(f"/{'runs' if found.kind == 'search' else 'jobs'}/{found.id}")


def _terms(context: Context, job: JobRecord) -> Terms:
    """Return the terms of the domain of what a job confirms; the usual ones where that is not known any more."""
    assert isinstance(job.config, ConfirmConfig)
    try:
        return terms(queries.candidate(context.store, job.config.candidate).domain)
    except UnknownId:
        return Terms()


def last_words(job: JobRecord | None) -> JobLog | None:
    """Return the last lines that the process of a job has said, where it did so on this server."""
    try:
        return log.tail(job.id, LAST_BYTES) if job else None
    except UnknownId:
        return None
