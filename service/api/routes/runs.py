"""Searches: those that were started here, and those of the command line."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Response

from slotforge.core.errors import Conflict, UnknownId
from slotforge.core.types import Trial, TrialState
from slotforge.service.api.access import Caller, reader, runner
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.gate.repeats import job_of
from slotforge.service.api.orders import RunOrder, run_config
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.problems import documented
from slotforge.service.api.routing import Router
from slotforge.service.api.steering import steer
from slotforge.service.jobs.queue import JobRecord, Wish
from slotforge.service.views import course, graph, runs, trials
from slotforge.service.views.runs import RunLine, RunShown, RunState
from slotforge.service.views.trials import TrialLine

router = Router(prefix="/v1/runs", tags=["runs"])
Ref = Annotated[str, Path(max_length=64, description="The id of a run, or the beginning of it.")]
Here = Annotated[Context, Depends(context_of)]
Part = Annotated[Paging, Depends(paged)]
READ = [Depends(reader)]
REASONS = 20  # of each class of failures


class RunView(RunShown):
    """A run as it is shown, with the job that drives it; one of the command line has none."""

    job: JobRecord | None


@router.get("", dependencies=READ)
def list_runs(
    context: Here,
    paging: Part,
    state: Annotated[list[RunState], Query(max_length=7, description="In one of these; any when missing.")] = [],  # noqa: B006
    domain: Annotated[str | None, Query(max_length=200)] = None,
    owner: Annotated[str | None, Query(max_length=64, description="Who asked for it.")] = None,
    text: Annotated[str, Query(max_length=200, description="In the id or in the settings.")] = "",
) -> Page[RunLine]:
    """List the runs, the newest first."""
    found = runs.runs(
        context.store,
        states=state,
        domain=domain,
        owner=owner,
        text=text,
        limit=paging.limit,
        after=paging.after(float, str),
    )
    return Page(items=found.items, next=paging.cursor(found.next))


@router.post("", status_code=201, responses=documented(404))
def start_run(
    order: RunOrder,
    context: Here,
    caller: Annotated[Caller, Depends(runner)],
    job_id: Annotated[str | None, Depends(job_of)],
    response: Response,
) -> JobRecord:
    """Ask for a search; its id is that of the run, which begins as soon as a server has room for it."""
    config = run_config(order, context.store, context.settings)
    job = context.queue.submit(config, owner=caller.name, priority=order.priority, id=job_id)
    response.headers["Location"] = f"/v1/runs/{job.id}"
    return job


@router.get("/{run}", dependencies=READ, responses=documented(404))
def show_run(
    run: Ref,
    context: Here,
    pairs: Annotated[bool, Query(description="Tell what verdicts rest on as well.")] = False,
) -> RunView:
    """Show a run: how it was set up, how it stands, what came out, and what it cost."""
    with context.store.reading():
        id_ = runs.run_id(context.store, run)
        shown = runs.elsewhere(runs.shown(context.store, id_, pairs=pairs, reasons=REASONS))
        return RunView(**{name: getattr(shown, name) for name in RunShown.model_fields}, job=_job(context, id_))


@router.post("/{run}/pause", responses=documented(404, 409))
def pause_run(run: Ref, context: Here, caller: Annotated[Caller, Depends(runner)]) -> JobRecord:
    """Ask for a run to stop for now; it goes on where it was when it is resumed."""
    return _wish(context, caller, run, "pause")


@router.post("/{run}/resume", responses=documented(404, 409))
def resume_run(run: Ref, context: Here, caller: Annotated[Caller, Depends(runner)]) -> JobRecord:
    """Ask for a run that is paused, or has failed, to go on."""
    return _wish(context, caller, run, "resume")


@router.post("/{run}/cancel", responses=documented(404, 409))
def cancel_run(run: Ref, context: Here, caller: Annotated[Caller, Depends(runner)]) -> JobRecord:
    """Ask for a run to stop for good; what it has found stays."""
    return _wish(context, caller, run, "cancel")


@router.get("/{run}/trials", dependencies=READ, responses=documented(404))
def list_trials(
    run: Ref,
    context: Here,
    paging: Part,
    state: Annotated[list[TrialState], Query(max_length=8, description="In one of these; any when missing.")] = [],  # noqa: B006
    operator: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[TrialLine]:
    """List the trials by number: the controls, below zero, first; 0 is the baseline."""
    after = paging.after(int)
    with context.store.reading():
        id_ = runs.run_id(context.store, run)
        found = trials.trials(
            context.store, id_, states=state, operator=operator, limit=paging.limit, after=after and after[0]
        )
    return Page(items=found.items, next=paging.cursor(found.next))


@router.get("/{run}/trials/{number}", dependencies=READ, responses=documented(404))
def show_trial(
    run: Ref, number: Annotated[int, Path(ge=-(2**31), lt=2**31, description="Of the trial.")], context: Here
) -> Trial:
    """Show a trial whole: its exchanges with the model, and its measurements."""
    return trials.trial(context.store, runs.run_id(context.store, run), number)


@router.get("/{run}/curve", dependencies=READ, responses=documented(404))
def show_curve(run: Ref, context: Here) -> course.Curve:
    """Show the best ratio so far over the trials."""
    with context.store.reading():
        return course.curve(context.store, runs.run_id(context.store, run))


@router.get("/{run}/log", dependencies=READ, responses=documented(404))
def show_log(run: Ref, context: Here, paging: Part) -> Page[course.LogLine]:
    """List what happened to a run, the newest first."""
    after = paging.after(int)
    with context.store.reading():
        id_ = runs.run_id(context.store, run)
        found = course.log(context.store, id_, limit=paging.limit, after=after and after[0])
    return Page(items=found.items, next=paging.cursor(found.next))


@router.get("/{run}/lineage", dependencies=READ, responses=documented(404))
def show_lineage(run: Ref, context: Here, size: Annotated[int, Query(ge=1, le=graph.MOST)] = graph.SIZE) -> graph.Graph:
    """Draw what a run made of what: its best candidates and their ancestors."""
    return graph.run_graph(context.store, runs.run_id(context.store, run), size=size)


def _job(context: Context, run: str) -> JobRecord | None:
    try:
        return context.queue.job(run)
    except UnknownId:
        return None


def _wish(context: Context, caller: Caller, ref: str, wish: Wish) -> JobRecord:
    id_ = runs.run_id(context.store, ref)
    job = _job(context, id_)
    if job is None:
        raise Conflict(f"run {id_} was started from a command line: {wish} it there")
    return steer(context, caller, job.id, wish)
