"""A run: its course, what failed and why, what it costs, and how it stands in the queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from fastapi import Depends, Request
from fastapi.responses import Response

from slotforge.core.errors import UnknownId
from slotforge.core.types import TrialState
from slotforge.lineage.records import RunRecord
from slotforge.search.report import UNREADABLE, read
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.orders import DomainName
from slotforge.service.api.paging import Paging, paged
from slotforge.service.api.streaming import ENDED
from slotforge.service.jobs.queue import JobRecord
from slotforge.service.views import course
from slotforge.service.views import runs as view
from slotforge.service.views import trials as trial_view
from slotforge.service.views.yields import yields
from slotforge.service.web.pages.jobs import last_words
from slotforge.service.web.routing import pages
from slotforge.service.web.steering import wishes
from slotforge.service.web.templating import page

router = pages()
Within = Annotated[Context, Depends(context_of)]
LATEST = 12  # trials
DOTS = 600  # of the curve, about: one for each pixel
REASONS = 4  # of each class of failures
LINES = 20  # of the log


@router.get("/runs/{run}", dependencies=[Depends(reader)])
def run(request: Request, run: str, context: Within) -> Response:
    """Show a run, all of it as it is at one moment."""
    with context.store.reading():
        id_ = view.run_id(context.store, run)
        found = view.shown(context.store, id_, pairs=False, reasons=REASONS)
        curve, job, report = course.curve(context.store, id_), _job(context, id_), read(found.run.report)
        shown: dict[str, Any] = {
            "tried": course.tried(context.store, id_),
            "yields": yields(context.store, id_),
            "points": course.scored(context.store, id_, about=DOTS),
            "latest": _latest(context, id_, curve.last),
            "log": course.log(context.store, id_, limit=LINES).items,
        }
    return page(
        request,
        "run.html",
        run=found.run,
        found=found,
        job=job,
        wishes=wishes(job),
        again=found.run.config.domain in get_args(DomainName),
        ended=found.run.state in ENDED,
        stranded=found.run.state == view.INTERRUPTED and job is None,
        report=report,
        unreadable=UNREADABLE if found.run.report and report is None else "",
        curve=curve,
        splits=_splits(found.run),
        process=last_words(job),
        **shown,
    )


@router.get("/runs/{run}/trials", dependencies=[Depends(reader)])
def trials(
    request: Request,
    run: str,
    context: Within,
    paging: Annotated[Paging, Depends(paged)],
    state: TrialState | Literal[""] = "",
    operator: str = "",
) -> Response:
    """List the trials of a run, the newest first: so those of baseline and controls, from 0 down, come last."""
    id_ = view.run_id(context.store, run)
    after = paging.after(int)
    found = trial_view.trials(
        context.store,
        id_,
        states=(state,) if state else (),
        operator=operator or None,
        limit=paging.limit,
        after=after[0] if after else None,
        newest=True,
    )
    return page(
        request,
        "trials.html",
        run=id_,
        trials=found.items,
        next=paging.cursor(found.next),
        states=list(TrialState),
        operators=trial_view.operators(context.store, id_),
        filtered=bool(state or operator),
    )


@router.get("/runs/{run}/trials/{number}", dependencies=[Depends(reader)])
def trial(request: Request, run: str, number: int, context: Within) -> Response:
    """Show a trial with all that was said."""
    id_ = view.run_id(context.store, run)
    return page(request, "trial.html", trial=trial_view.trial(context.store, id_, number))


def _latest(context: Context, id_: str, last: int) -> Sequence[trial_view.TrialLine]:
    return trial_view.trials(context.store, id_, limit=LATEST, after=max(0, last - LATEST)).items[::-1]


def _job(context: Context, id_: str) -> JobRecord | None:
    try:
        return context.queue.job(id_)
    except UnknownId:
        return None


def _splits(record: RunRecord) -> dict[str, int]:
    suite = record.suite
    return {"search": len(suite.search), "select": len(suite.select), "holdout": len(suite.holdout)}
