"""What a request may ask of a search or a confirmation: names out of lists and numbers within bounds, no more.

Where models are, which executor runs, and every path are the server's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from slotforge.core.errors import UsageError
from slotforge.core.ids import LARGEST_SEED
from slotforge.core.types import Budget, Record, RunConfig
from slotforge.lineage import queries, suites
from slotforge.lineage.store import SqlStore
from slotforge.search import settings, strategies, worker
from slotforge.search.named_suites import PREFIX
from slotforge.service.api import models
from slotforge.service.api.settings import MOST_WORKERS, Settings
from slotforge.service.api.wording import shaped
from slotforge.service.jobs.queue import ConfirmConfig
from slotforge.service.views.diff import BASELINE
from slotforge.service.views.names import check_spec

LARGEST_COST = 2**62
SPEC = r"^(suite:[A-Za-z0-9._-]{1,64}|[A-Za-z0-9_]+(:[A-Za-z0-9_.,=+-]+)*)$"
SPEC_WANTED = "{!r} is no name: name a family, such as sgen:21, or upload the files and name suite:NAME of /v1/suites"
Spec = Annotated[str, StringConstraints(pattern=SPEC), shaped(SPEC, SPEC_WANTED)]
Specs = Annotated[tuple[Spec, ...], Field(min_length=1, max_length=100)]
StrategySpec = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(:[a-z_]+=[A-Za-z0-9_.,+-]+)*$", max_length=200)]
Prompts = Annotated[str, StringConstraints(pattern=r"^(shipped|best|[0-9a-f]{4,64}(,[0-9a-f]{4,64}){0,20})$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
PerFamily = Annotated[int | None, Field(ge=3, le=1000)]
Limit = Annotated[int | None, Field(ge=1, le=LARGEST_COST)]
Workers = Annotated[int | None, Field(ge=1, le=MOST_WORKERS)]
DomainName = Literal["optim", "packing", "sat", "tsp"]


class BudgetOrder(Record):
    """What a run may spend at most; None is no limit. Where none of it ends the run, 100 proposals do."""

    evals: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    time_s: Annotated[float | None, Field(gt=0, le=1e8)] = None
    tokens: Annotated[int | None, Field(ge=1, le=10**12)] = None
    usd: Amount | None = None


class OptionsOrder(Record):
    """Settings of a search that have defaults: see `slotforge discover --help`.

    prompts: "shipped", "best", or ids of variants with commas between them.
    """

    start: Literal["builtins", "default"] = "builtins"
    answers: Literal["fences", "json"] = "fences"
    when_down: Literal["stop", "wait", "offline"] = "stop"
    prompts: Prompts = "shipped"
    per_family: PerFamily = None
    limit: Limit = None
    novelty: Annotated[float | None, Field(gt=0, le=1)] = None
    tune_share: Annotated[float, Field(ge=0, lt=1)] = settings.TUNE_SHARE
    library: bool | None = None
    tuned_baseline: bool = True


class RunOrder(Record):
    """A search that is asked for.

    instances: families such as sgen:21, or suite:NAME of uploaded instances.
    slots: to search over; none is all.
    strategy: with its settings, such as one_plus_lambda:children=8.
    model: "offline", one that this server offers, or replay:RUN; several with commas between them.
    workers: measurements at once; None is 2, or 1 where the server has one CPU.
    priority: of two that wait, the one of higher priority comes first.
    """

    domain: DomainName
    instances: Specs
    slots: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    strategy: StrategySpec = "one_plus_lambda"
    model: Annotated[str, Field(min_length=1, max_length=500)] = "offline"
    budget: BudgetOrder = BudgetOrder()
    seed: Seed = 0
    workers: Workers = None
    window: Annotated[int, Field(ge=1, le=1024)] = 4
    options: OptionsOrder = OptionsOrder()
    priority: Annotated[int, Field(ge=-10, le=10)] = 0


class ConfirmOrder(Record):
    """A confirmation that is asked for: see `slotforge confirm --help`.

    against: the id of another candidate, or "baseline".
    workers: as of a search.
    tuned_baseline: where it is the baseline, measure the tuned baseline of the candidate's search as well.
    """

    against: Annotated[str, StringConstraints(pattern=r"^(baseline|[0-9a-f]{1,64})$")] = BASELINE
    instances: Specs
    seed: Seed = 1000
    per_family: PerFamily = None
    twins: bool = False
    seeds: Annotated[int, Field(ge=1, le=100)] = 1
    limit: Limit = None
    workers: Workers = None
    tuned_baseline: bool = True
    priority: Annotated[int, Field(ge=-10, le=10)] = 0


def run_config(order: RunOrder, store: SqlStore, server: Settings) -> RunConfig:
    """Turn what is asked for into what a search runs with.

    Raises:
        UsageError: a name is none of those that there are, or the model is not offered within this budget.
    """
    domain, budget = worker.domain(order.domain), Budget(**dict(order.budget))
    _check_specs(store, order.domain, order.instances)
    if unknown := [slot for slot in order.slots if slot not in domain.slots()]:
        raise UsageError(f"no slot called '{unknown[0]}': choose from {', '.join(domain.slots())}")
    if idle := [slot for slot in order.slots if slot not in domain.searched(order.instances)]:
        raise UsageError(f"slot {idle[0]} has no part in {', '.join(order.instances)}: leave it out")
    strategies.make(order.strategy)
    return RunConfig(
        domain=order.domain,
        instances=order.instances,
        slots=order.slots,
        strategy=order.strategy,
        model=order.model,
        base_url=models.base_url(server, order.model, budget),
        budget=budget,
        seed=order.seed,
        workers=_within(order.workers, server),
        executor=server.executor,
        window=order.window,
        options=settings.options(**dict(order.options)),
    )


def confirm_config(order: ConfirmOrder, candidate: str, store: SqlStore, server: Settings) -> ConfirmConfig:
    """Turn what is asked for into what a confirmation runs with.

    Raises:
        UnknownId: there is no such candidate.
        UsageError: both are the same, or of different domains, or an instance is none of those that there are.
    """
    one = queries.candidate(store, candidate)
    against = BASELINE if order.against == BASELINE else queries.candidate(store, order.against).id
    if against == one.id or (against == BASELINE and not one.slots):
        raise UsageError(f"{one.id} cannot be held against itself: choose another one")
    if against != BASELINE and queries.candidate(store, against).domain != one.domain:
        raise UsageError(f"{against} is not of {one.domain}, as {one.id} is: choose another one")
    _check_specs(store, one.domain, order.instances)
    asked = order.model_dump(exclude={"priority", "against", "workers"})
    return ConfirmConfig(
        **asked,
        candidate=one.id,
        against=against,
        workers=_within(order.workers, server),
        executor=server.executor,
    )


def _check_specs(store: SqlStore, domain: str, specs: Sequence[str]) -> None:
    for spec in specs:
        if not spec.startswith(PREFIX):
            check_spec(domain, spec)
        elif domain != "sat":
            raise UsageError(f"{spec}: uploaded instances are formulas, for sat alone: name a family of {domain}")
        else:
            suites.suite(store, spec.removeprefix(PREFIX))


def _within(workers: int | None, server: Settings) -> int:
    """Return the workers, or as many as are usual, unless they are more than the server has room for."""
    if workers is not None and workers > server.most_workers:
        most = server.most_workers
        raise UsageError(f"{workers} workers are more than the {most} CPUs of this server: ask for fewer")
    return workers or server.usual_workers
