"""Candidates: sources, history, measurements, comparison, confirmation, and what is exported from them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Response
from pydantic import Field

from slotforge.core.types import Record
from slotforge.service.api.access import Caller, reader, runner
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.gate.repeats import job_of
from slotforge.service.api.orders import ConfirmOrder, confirm_config
from slotforge.service.api.paging import Page, Paging, paged
from slotforge.service.api.problems import Refusal, documented
from slotforge.service.api.routing import Router
from slotforge.service.artefacts import builder, compilation
from slotforge.service.artefacts.apart import Busy
from slotforge.service.artefacts.compilation import Compilation
from slotforge.service.artefacts.shelf import ArtefactRecord
from slotforge.service.jobs.queue import JobRecord
from slotforge.service.views import candidates, comparison, diff, graph, trials
from slotforge.service.views.candidates import Against, CandidateView, Measured, MeasuredLine, Rival, Split
from slotforge.service.views.trials import TrialLine

router = Router(prefix="/v1/candidates", tags=["candidates"])
Ref = Annotated[str, Path(max_length=64, description="The id of a candidate, or the beginning of it.")]
Here = Annotated[Context, Depends(context_of)]
Part = Annotated[Paging, Depends(paged)]
READ = [Depends(reader)]
BUSY = {"Retry-After": "60"}


class ArtefactOrder(Record):
    """What to export a candidate as: see `slotforge export --help`. numbers: of step rules alone."""

    kind: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]
    numbers: Literal["tuned", "declared"] | None = None


class MeasuredPage(Page[MeasuredLine]):
    """A part of the measurements: see `Measured`."""

    split: Split
    run: str | None
    number: int | None
    against: int | None
    rival: Rival | None
    incumbent: Rival | None
    total: int


@router.get("/{candidate}", dependencies=READ, responses=documented(404))
def show_candidate(candidate: Ref, context: Here) -> CandidateView:
    """Show a candidate: its sources, the trial that made it, verdicts, and what was exported from it."""
    return candidates.candidate(context.store, candidate)


@router.get("/{candidate}/trials", dependencies=READ, responses=documented(404))
def list_trials(candidate: Ref, context: Here, paging: Part) -> Page[TrialLine]:
    """List the trials that led to a candidate; /v1/runs/{run}/trials/{number} has their prompts and answers."""
    found = trials.trials_of(context.store, candidate, limit=paging.limit, after=paging.after(str, int))
    return Page(items=found.items, next=paging.cursor(found.next))


@router.get("/{candidate}/measurements", dependencies=READ, responses=documented(404))
def list_measurements(
    candidate: Ref,
    context: Here,
    paging: Part,
    split: Annotated[Split, Query(description="Where the instances are from.")] = Split.SEARCH,
    run: Annotated[str | None, Query(max_length=64, description="In this run; the largest when missing.")] = None,
    against: Annotated[
        Against, Query(description="What to put beside it; the baseline where the incumbent is not known.")
    ] = Against.INCUMBENT,
) -> MeasuredPage:
    """List what a candidate did instance by instance, with the incumbent of its race or the baseline beside it."""
    after = paging.after(int)
    found: Measured = candidates.measurements(
        context.store, candidate, split=split, run=run, against=against, limit=paging.limit, after=after and after[0]
    )
    own = {name: getattr(found, name) for name in Measured.model_fields if name != "next"}
    return MeasuredPage(**own, next=paging.cursor(None if found.next is None else (found.next,)))


@router.get("/{candidate}/diff", dependencies=READ, responses=documented(404))
def show_diff(
    candidate: Ref,
    context: Here,
    to: Annotated[
        str, Query(max_length=64, description='"parent", "baseline", or the id of another candidate.')
    ] = diff.PARENT,
) -> diff.Diff:
    """Show what a candidate changes, as a unified diff of each slot."""
    return diff.diff_from(context.store, candidate, to)


@router.get("/{candidate}/compilation", dependencies=READ, responses=documented(404))
def show_compilation(candidate: Ref, context: Here) -> Compilation:
    """Show what the compiler said of a candidate when its search built it, or lately on this server."""
    return compilation.recorded(context.store, candidate)


@router.post("/{candidate}/compilation", dependencies=[Depends(runner)], responses=documented(404, 503))
def compile_again(candidate: Ref, context: Here) -> Compilation:
    """Compile a candidate on this server, and show what the compiler says."""
    return compiled(context, candidate)


@router.get("/{candidate}/lineage", dependencies=READ, responses=documented(404))
def show_lineage(
    candidate: Ref,
    context: Here,
    depth: Annotated[int, Query(ge=0, le=10_000, description="Generations back at most.")] = graph.DEPTH,
    size: Annotated[int, Query(ge=1, le=graph.MOST, description="Candidates at most.")] = graph.SIZE,
) -> graph.Graph:
    """Draw where a candidate comes from."""
    return graph.ancestors(context.store, candidate, depth=depth, size=size)


@router.get("/{candidate}/compare/{other}", dependencies=READ, responses=documented(404))
def compare(
    candidate: Ref,
    other: Annotated[str, Path(max_length=64, description="The id of another candidate.")],
    context: Here,
    split: Annotated[list[Split], Query(max_length=3, description="Of which instances; all when missing.")] = [],  # noqa: B006
) -> comparison.Comparison:
    """Compare two candidates on all that both were measured on."""
    return comparison.compare(context.store, candidate, other, splits=split)


@router.post("/{candidate}/confirm", status_code=201, responses=documented(404))
def confirm(
    candidate: Ref,
    order: ConfirmOrder,
    context: Here,
    caller: Annotated[Caller, Depends(runner)],
    job_id: Annotated[str | None, Depends(job_of)],
    response: Response,
) -> JobRecord:
    """Ask for a candidate to be measured on unseen instances; the verdict is the result of the job."""
    config = confirm_config(order, candidate, context.store, context.settings)
    job = context.queue.submit(config, owner=caller.name, priority=order.priority, id=job_id)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job


@router.post(
    "/{candidate}/artefacts",
    status_code=201,
    dependencies=[Depends(runner)],
    responses=documented(404, 503) | {200: {"model": ArtefactRecord, "description": "It was built before."}},
)
def export(candidate: Ref, order: ArtefactOrder, context: Here, response: Response) -> ArtefactRecord:
    """Export a candidate as something that works without slotforge's store; this may take a minute."""
    record, new = built(context, candidate, order)
    response.headers["Location"] = f"/v1/artefacts/{record.id}"
    response.status_code = 201 if new else 200
    return record


def built(context: Context, candidate: str, order: ArtefactOrder) -> tuple[ArtefactRecord, bool]:
    """Export a candidate, and say whether that is new; refuse at once where no more can be built now."""
    try:
        return builder.build(context.store, candidate, order.kind, numbers=order.numbers)
    except Busy as error:
        raise Refusal(503, str(error), headers=BUSY) from None


def compiled(context: Context, candidate: str) -> Compilation:
    """Compile a candidate, unless that was done lately; refuse at once where no more can be built now."""
    try:
        return compilation.again(context.store, candidate)
    except Busy as error:
        raise Refusal(503, str(error), headers=BUSY) from None
