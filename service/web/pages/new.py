"""The form that starts a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from fastapi import Depends, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from slotforge.core import registry
from slotforge.core.errors import SlotforgeError, UnknownId, UsageError
from slotforge.core.ids import content_id
from slotforge.core.types import RunConfig
from slotforge.search import worker
from slotforge.search.named_suites import PREFIX
from slotforge.service.api import models
from slotforge.service.api.access import Caller, runner
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.orders import BudgetOrder, DomainName, OptionsOrder, RunOrder, run_config
from slotforge.service.api.problems import Refusal, status_of, why
from slotforge.service.instances import suites
from slotforge.service.views import runs
from slotforge.service.views.names import FAMILIES
from slotforge.service.web import advanced, forms
from slotforge.service.web.notices import see
from slotforge.service.web.routing import pages
from slotforge.service.web.templating import page
from slotforge.service.web.uploading import keep

router = pages()
Within = Annotated[Context, Depends(context_of)]
Domain = Annotated[DomainName, Query()]
UPLOADS = "sat"  # the domain whose instances can be uploaded
EXAMPLES = {"sat": "sgen:21, coloring:105", "optim": "least_squares", "packing": "weibull_1k_100", "tsp": "tsp50"}
TOLD = {
    "sat": "heuristics of a SAT solver",
    "optim": "step rules of optimizers",
    "packing": "rules for online bin packing",
    "tsp": "rules that build tours",
}
ONCE = "once"  # field by which a browser tells one page of the form from another
BLANK = {
    "families": "", "suites": (), "suite": "", "slots": (), "strategy": "one_plus_lambda", "model": "offline",
    "evals": "100", "minutes": "", "usd": "", "tokens": "", "seed": "0", "workers": "", "per_family": "",
    ONCE: "",
}  # fmt: skip
REPLAYS = 8
SUITES = 200


@router.get("/new", dependencies=[Depends(runner)])
def ask(
    request: Request,
    context: Within,
    domain: Domain = "sat",
    like: Annotated[str, Query(max_length=64)] = "",
    suite: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Ask what to search for; `like` fills in what another run was asked for."""
    given = {
        **BLANK,
        **advanced.BLANK,
        "workers": context.settings.usual_workers,
        **(_like(context, like) if like else {}),
        **({"suites": (suite,)} if suite else {}),
    }
    return _form(request, context, domain, given)


@router.post("/new")
async def start(
    request: Request, context: Within, caller: Annotated[Caller, Depends(runner)], domain: Domain = "sat"
) -> Response:
    """Start a run; files that were sent along become a suite first."""
    async with request.form(max_files=context.vault.limits.files) as form:
        try:
            named, told = await keep(request, context, caller, form)
            job = await run_in_threadpool(_submit, context, caller, domain, form, named)
        except (SlotforgeError, Refusal) as error:
            status = error.status if isinstance(error, Refusal) else status_of(error)
            return await run_in_threadpool(_form, request, context, domain, _given(form), why(error), status)
    return see(request, f"/runs/{job}", told)


def _given(form: FormData) -> dict[str, Any]:
    """Return what was written, to be put right."""
    fields = {**BLANK, **advanced.BLANK}
    return {name: forms.texts(form, name) if value == () else forms.text(form, name) for name, value in fields.items()}


def _submit(context: Context, caller: Caller, domain: str, form: FormData, suite: str) -> str:
    """Put the search into the queue, and return its id."""
    minutes = forms.text(form, "minutes")
    instances = forms.specs(form) + ((PREFIX + suite,) if suite else ())
    if not instances:
        raise UsageError("instances: name families, choose suites, or upload files")
    limits = {name: forms.text(form, name) for name in ("evals", "usd", "tokens")}
    values: dict[str, object] = {
        "domain": domain,
        "instances": instances,
        "slots": forms.texts(form, "slots"),
        **{name: forms.text(form, name) for name in ("strategy", "model", "seed", "workers", "window", "priority")},
        "budget": forms.order(BudgetOrder, {**limits, "time_s": _seconds(minutes)}),
        "options": forms.order(OptionsOrder, advanced.options(form)),
    }
    order = forms.order(RunOrder, values)
    if not values["window"] and order.workers and order.workers > order.window:
        order = order.model_copy(update={"window": order.workers})
    config = run_config(order, context.store, context.settings)
    job = _job(forms.text(form, ONCE), caller.name, config)
    return context.queue.submit(config, owner=caller.name, priority=order.priority, id=job).id


def _job(once: str, owner: str, config: RunConfig) -> str | None:
    """Name the job of a form: the same for what is sent twice from one page, by a second click or a reload."""
    sent = {ONCE: once, "owner": owner, "config": config.model_dump(mode="json")}
    return content_id(sent, length=10) if once else None


def _seconds(minutes: str) -> float | None:
    try:
        return 60 * float(minutes) if minutes else None
    except ValueError:
        raise UsageError(f"minutes: '{minutes[:20]}' is no number") from None


def _form(
    request: Request, context: Context, domain: str, given: Mapping[str, Any], wrong: str = "", status: int = 200
) -> Response:
    offered = [*models.names(context.settings), *_replays(context, domain)]
    told = registry.names("slotforge.search.strategies")
    strategies = list(told)
    return page(
        request,
        "new.html",
        status,
        wrong=wrong,
        domain=domain,
        domains={name: TOLD[name] for name in get_args(DomainName)},
        given=given,
        families=registry.names(FAMILIES[domain]),
        examples=EXAMPLES[domain],
        uploads=domain == UPLOADS,
        suites=suites.suites(context.store, limit=SUITES) if domain == UPLOADS else (),
        slots=worker.domain(domain).slots(),
        strategies=strategies if given["strategy"] in strategies else [given["strategy"], *strategies],
        told=told,
        changed=any(str(given[name]) != value for name, value in advanced.BLANK.items()),
        models=offered if given["model"] in offered else [given["model"], *offered],
        most_workers=context.settings.most_workers,
    )


def _replays(context: Context, domain: str) -> list[str]:
    """Offer the answers of the newest runs."""
    found = runs.runs(context.store, domain=domain, limit=REPLAYS).items
    return [f"replay:{line.id}" for line in found if line.trials and not line.model.startswith("replay:")]


def _like(context: Context, ref: str) -> dict[str, Any]:
    run = runs.run_id(context.store, ref)
    config = runs.shown(context.store, run, pairs=False).run.config
    known = {spec: spec.startswith(PREFIX) for spec in config.instances}
    budget, minutes = config.budget, config.budget.time_s
    told = {
        "families": ", ".join(spec for spec, named in known.items() if not named),
        "suites": tuple(spec.removeprefix(PREFIX) for spec, named in known.items() if named),
        "slots": config.slots,
        "evals": budget.evals,
        "minutes": minutes / 60 if minutes else None,
        "usd": budget.usd,
        "tokens": budget.tokens,
        **advanced.of(config, _priority(context, run)),
        **{name: getattr(config, name) for name in ("strategy", "model", "seed", "workers")},
    }
    return {name: "" if value is None else value for name, value in told.items()}


def _priority(context: Context, run: str) -> int:
    """Return the priority that a run has in the queue; none of it where it was started from a command line."""
    try:
        return context.queue.job(run).priority
    except UnknownId:
        return 0
