"""A candidate: its source, what it changes, what was said, how it did, and what can be made of it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import partial
from statistics import fmean
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Form, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Candidate, Outcome, Terms, Trial, clipped_log
from slotforge.search import worker
from slotforge.search.named_suites import PREFIX
from slotforge.service.api.access import Caller, reader, runner
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.orders import ConfirmOrder, confirm_config
from slotforge.service.api.routes.candidates import ArtefactOrder, built, compiled
from slotforge.service.artefacts import builder, compilation, shared
from slotforge.service.instances import suites
from slotforge.service.views import candidates as view
from slotforge.service.views import diff as diffs
from slotforge.service.views import trials
from slotforge.service.web import forms, notices
from slotforge.service.web.charts import Dot
from slotforge.service.web.routing import pages, see
from slotforge.service.web.templating import page
from slotforge.service.web.words import number, ratio, side

router = pages()
Within = Annotated[Context, Depends(context_of)]
After = Annotated[int, Query(ge=-1, lt=2**31)]  # a position, of which a database keeps so much
DOTS = 1000  # of the scatter plot
ROWS = 25  # of the table of measurements
TRIALS = 20
SUITES = 200
UPLOADS = "sat"  # the domain whose instances can be uploaded
FAMILY = re.compile(r"[A-Za-z0-9_]+(:[A-Za-z0-9_.,=+-]+)*")


@router.get("/candidates/{candidate}", dependencies=[Depends(reader)])
def candidate(
    request: Request,
    candidate: str,
    context: Within,
    split: view.Split | None = None,
    against: view.Against | None = None,
    after: After = -1,
) -> Response:
    """Show a candidate, beside the incumbent of its race where that is known and nothing else is asked for."""
    found = view.candidate(context.store, candidate)
    baseline = Candidate(domain=found.domain).id
    every = _measured(context, found.id, baseline, split, against)
    split, rival = every.split, against or view.Against.INCUMBENT
    shown = view.measurements(context.store, found.id, split=split, against=rival, limit=ROWS, after=after)
    return page(
        request,
        "candidate.html",
        candidate=found,
        terms=terms(found.domain),
        baseline=baseline,
        diff=diffs.diff_from(context.store, found.id),
        made=_made(context, found),
        trials=trials.trials_of(context.store, found.id, limit=TRIALS).items,
        split=split,
        splits=list(view.Split),
        measured=shown,
        mean=_mean(every.items, terms(found.domain).span) if every.next is None else None,
        drawn=len(every.items),
        dots=[_dot(line) for line in every.items if line.rival_cost],
        level=view.lowest_level(context.store, found.id),
        kinds=builder.kinds(found.domain),
        there=shared.there(context.store, {one.artefact for one in found.artefacts if one.artefact}),
        confirm=_confirm(context, found),
        suites=suites.suites(context.store, limit=SUITES) if found.domain == UPLOADS else (),
        environment=context.store.run(found.made.run).environment if found.made else {},
        compilation=compilation.recorded(context.store, found.id),
    )


@router.post("/candidates/{candidate}/compilation", dependencies=[Depends(runner)])
def compile_again(request: Request, candidate: str, context: Within) -> Response:
    """Compile a candidate on this server, and show what the compiler says: to a script at once."""
    made = compiled(context, candidate)
    if "hx-request" in request.headers:
        return page(request, "compilation.html", compilation=made)
    passing = () if compilation.lasts(made) else (made.why,)
    return notices.see(request, f"/candidates/{made.candidate}/compilation", passing)


@router.get("/candidates/{candidate}/compilation", dependencies=[Depends(reader)])
def compiled_lately(request: Request, candidate: str, context: Within) -> Response:
    """Show what the compiler said of a candidate lately on this server, or else when its search built it."""
    return page(request, "compilation.html", compilation=compilation.lately(context.store, candidate))


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


@router.post("/candidates/{candidate}/artefacts", dependencies=[Depends(runner)])
def export(candidate: str, context: Within, kind: Annotated[str, Form(max_length=32)]) -> Response:
    """Export a candidate; it is then listed for download."""
    record, _ = built(context, candidate, forms.order(ArtefactOrder, {"kind": kind}))
    return see(f"/candidates/{record.candidate}#export")


@router.post("/candidates/{candidate}/confirm")
async def confirm(
    request: Request, candidate: str, context: Within, caller: Annotated[Caller, Depends(runner)]
) -> Response:
    """Ask for a candidate to be measured on unseen instances."""
    form = await request.form()
    values = {"instances": forms.specs(form), **{name: forms.text(form, name) for name in ("seed", "per_family")}}

    def submitted() -> str:
        config = confirm_config(forms.order(ConfirmOrder, values), candidate, context.store, context.settings)
        return context.queue.submit(config, owner=caller.name).id

    return see(f"/jobs/{await run_in_threadpool(submitted)}")


def terms(domain: str) -> Terms:
    """Return the terms of a domain; the usual ones where it is not installed here."""
    try:
        return worker.domain(domain).terms
    except SlotforgeError:
        return Terms()


def _measured(
    context: Context, id_: str, baseline: str, split: view.Split | None, against: view.Against | None
) -> view.Measured:
    """Return the measurements on a split.

    Where none is named, those of its race if the incumbent is known and not the baseline, or else those on unseen
    instances if any.
    """
    read = partial(view.measurements, context.store, id_, against=against or view.Against.INCUMBENT, limit=DOTS)
    if split is not None:
        return read(split=split)
    raced = read(split=view.Split.SEARCH)
    if against is not view.Against.BASELINE and raced.incumbent and raced.incumbent.candidate != baseline:
        return raced
    unseen = read(split=view.Split.UNSEEN)
    return unseen if unseen.items else raced


class Mean(NamedTuple):
    """A mean ratio, over so many runs; failed: how many are left out, for the candidate did not finish them."""

    ratio: float
    runs: int
    failed: int


def _mean(lines: Sequence[view.MeasuredLine], span: float) -> Mean | None:
    """Return the geometric mean of ratios, families weighing alike, as races take it; None of nothing."""
    families: dict[str, list[float]] = {}
    failed = 0
    for line in lines:
        if line.ratio and line.outcome.finished:
            cut = line.outcome is line.rival_outcome is Outcome.LIMIT  # both, so that nothing is known
            families.setdefault(line.family, []).append(0.0 if cut else clipped_log(line.ratio, span))
        elif line.ratio:
            failed += 1
    if not families:
        return None
    return Mean(math.exp(fmean(map(fmean, families.values()))), sum(map(len, families.values())), failed)


def _confirm(context: Context, found: view.CandidateView) -> dict[str, Any]:
    """Suggest to confirm on the families that the run was searched on, with other seeds; files stay the same ones."""
    if found.made is None:
        return {"families": "", "suites": (), "seed": 1000}
    config = context.store.run(found.made.run).config
    families = [spec for spec in config.instances if FAMILY.fullmatch(spec) and not spec.startswith(PREFIX)]
    return {"families": ", ".join(families), "suites": (), "seed": config.seed + 1000}


def _made(context: Context, found: view.CandidateView) -> Trial | None:
    return trials.trial(context.store, found.made.run, found.made.number) if found.made else None


def _dot(line: view.MeasuredLine) -> Dot:
    assert line.rival_cost is not None
    told = f"{line.name}: {number(line.cost)} against {number(line.rival_cost)}, ratio {ratio(line.ratio)}"
    return Dot(x=line.rival_cost, y=line.cost, title=told, kind=side(line.ratio))
