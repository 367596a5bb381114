"""A candidate: its source, what it changes, what was said, how it did, and what can be made of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Candidate, Terms, Trial
from slotforge.search import worker
from slotforge.service.api.access import reader
from slotforge.service.api.context import Context, context_of
from slotforge.service.views import candidates as view
from slotforge.service.views import diff as diffs
from slotforge.service.views import trials
from slotforge.service.web.charts import Dot
from slotforge.service.web.routing import pages
from slotforge.service.web.templating import page
from slotforge.service.web.words import number, ratio, side

router = pages()
Within = Annotated[Context, Depends(context_of)]
DOTS = 1000  # of the scatter plot
ROWS = 25  # of the table of measurements
TRIALS = 20


@router.get("/candidates/{candidate}", dependencies=[Depends(reader)])
def candidate(
    request: Request, candidate: str, context: Within, split: view.Split | None = None, after: int = -1
) -> Response:
    """Show a candidate."""
    found = view.candidate(context.store, candidate)
    every = _measured(context, found.id, split)
    split = every.split
    shown = view.measurements(context.store, found.id, split=split, limit=ROWS, after=after)
    return page(
        request,
        "candidate.html",
        candidate=found,
        terms=terms(found.domain),
        baseline=Candidate(domain=found.domain).id,
        diff=diffs.diff_from(context.store, found.id),
        made=_made(context, found),
        trials=trials.trials_of(context.store, found.id, limit=TRIALS).items,
        split=split,
        splits=list(view.Split),
        measured=shown,
        dots=[_dot(line) for line in every.items if line.base_cost],
        level=min((line.sandbox_level for line in every.items), default=None),
        environment=context.store.run(found.made.run).environment if found.made else {},
    )


@router.get("/candidates/{candidate}/card", dependencies=[Depends(reader)])
def card(request: Request, candidate: str, context: Within) -> Response:
    """Show a candidate in short, beside a tree."""
    found = view.candidate(context.store, candidate)
    return page(
        request,
        "card.html",
        candidate=found,
        terms=terms(found.domain),
        diff=diffs.diff_from(context.store, found.id),
        made=_made(context, found),
    )


def terms(domain: str) -> Terms:
    """Return the terms of a domain; the usual ones where it is not installed here."""
    try:
        return worker.domain(domain).terms
    except SlotforgeError:
        return Terms()


def _measured(context: Context, id_: str, split: view.Split | None) -> view.Measured:
    """Return the measurements on a split; where none is named, on unseen instances if there are any."""
    found = view.measurements(context.store, id_, split=split or view.Split.UNSEEN, limit=DOTS)
    if split is None and not found.items:
        return view.measurements(context.store, id_, split=view.Split.SEARCH, limit=DOTS)
    return found


def _made(context: Context, found: view.CandidateView) -> Trial | None:
    return trials.trial(context.store, found.made.run, found.made.number) if found.made else None


def _dot(line: view.MeasuredLine) -> Dot:
    assert line.base_cost is not None
    told = f"{line.name}: {number(line.cost)} against {number(line.base_cost)}, ratio {ratio(line.ratio)}"
    return Dot(x=line.base_cost, y=line.cost, title=told, kind=side(line.ratio))
