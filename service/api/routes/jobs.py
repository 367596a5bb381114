"""The queue: jobs that wait, run or have ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query

from slotforge.lineage.jobs import State
from slotforge.service.api.access import Caller, reader, runner
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.problems import documented
from slotforge.service.api.routing import Router
from slotforge.service.api.steering import steer
from slotforge.service.jobs import log
from slotforge.service.jobs.log import JobLog
from slotforge.service.jobs.queue import JobRecord

router = Router(prefix="/v1/jobs", tags=["jobs"])
Ref = Annotated[str, Path(max_length=64, description="The id of a job, or the beginning of it.")]
Here = Annotated[Context, Depends(context_of)]


@router.get("", dependencies=[Depends(reader)])
def list_jobs(
    context: Here,
    paging: Annotated[Paging, Depends(paged)],
    owner: Annotated[str | None, Query(max_length=64, description="The name of a key; all when missing.")] = None,
    state: Annotated[list[State], Query(max_length=6, description="In one of these states; any when missing.")] = [],  # noqa: B006
) -> Page[JobRecord]:
    """List the jobs, the newest first."""
    after = paging.after(str)
    found = context.queue.jobs(owner=owner, states=state, limit=paging.limit + 1, after=after and after[0])
    return paging.page(found, lambda job: (job.id,))


@router.get("/{job}", dependencies=[Depends(reader)], responses=documented(404))
def show_job(job: Ref, context: Here) -> JobRecord:
    """Show a job."""
    return context.queue.job(job)


@router.get("/{job}/log", dependencies=[Depends(reader)], responses=documented(404))
def show_log(
    job: Ref,
    context: Here,
    size: Annotated[int, Query(ge=1, le=log.MOST_BYTES, description="Bytes at most.")] = log.SHOWN_BYTES,
) -> JobLog:
    """Show the end of what the process of a job has said, on the server that drove it."""
    return log.tail(context.queue.job(job).id, size)


@router.post("/{job}/pause", responses=documented(404, 409))
def pause_job(job: Ref, context: Here, caller: Annotated[Caller, Depends(runner)]) -> JobRecord:
    """Ask for a job to stop for now; resumed, a search goes on where it was, and a confirmation begins anew."""
    return steer(context, caller, job, "pause")


@router.post("/{job}/resume", responses=documented(404, 409))
def resume_job(job: Ref, context: Here, caller: Annotated[Caller, Depends(runner)]) -> JobRecord:
    """Ask for a job that is paused, or has failed, to go on."""
    return steer(context, caller, job, "resume")


@router.post("/{job}/cancel", responses=documented(404, 409))
def cancel_job(job: Ref, context: Here, caller: Annotated[Caller, Depends(runner)]) -> JobRecord:
    """Ask for a job to stop for good; what it has found stays."""
    return steer(context, caller, job, "cancel")
