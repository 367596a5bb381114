"""slotforge discovers heuristics for solvers: `discover` searches, `best` asks what is known, as the commands do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slotforge.lineage.records import Best
    from slotforge.search.report import Report
    from slotforge.service.client import Client as Client

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import `slotforge.optim` and `slotforge.Client` when they are first used."""
    if name == "optim":
        from importlib import import_module

        return import_module("slotforge.optim")
    if name == "Client":
        from slotforge.service.client import Client

        return Client
    raise AttributeError(f"module 'slotforge' has no attribute '{name}'")


def discover(
    instances: str | Sequence[str], *, domain: str = "sat", store: str | None = None, **options: Any
) -> Report:
    """Search for better heuristics, and hold the winner against the baseline on instances that the search never saw.

    Args:
        instances: folders, files or family specs; or one of these.
        domain: the kind of solver.
        store: a database file or URL; None is the user's own.
        options: fields of `slotforge.core.types.RunConfig`, such as slots, strategy, model, seed, workers; and of its
            budget: evals, time_s, tokens, usd (100 evaluations where nothing ends it). Within `options`, numbers are
            tuned and the library is offered as by the command, unless {"tune_share": 0, "library": False}.

    Raises:
        SlotforgeError: something that the user can mend.
    """
    from pydantic import ValidationError

    from slotforge.core.errors import UsageError
    from slotforge.core.types import Budget, RunConfig
    from slotforge.lineage.store import open_store
    from slotforge.search.discover import Discovery
    from slotforge.search.settings import usual

    limits = {name: options.pop(name) for name in Budget.model_fields if name in options}
    chosen = (instances,) if isinstance(instances, str) else tuple(instances)
    given = options.pop("options", {})
    options["options"] = {**usual(given.get("start")), **given}
    try:
        budget = Budget(**limits)
        config = RunConfig(domain=domain, instances=chosen, budget=budget, **options)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    with open_store(store) as opened:
        return Discovery(config=config, store=opened).run()


def best(
    domain: str, *, slot: str | None = None, family: str | None = None, limit: int = 10, store: str | None = None
) -> tuple[Best, ...]:
    """List the best candidates known, across runs: confirmed ones first, then by ratio.

    Args:
        domain: the kind of solver.
        slot: only candidates that replace this slot.
        family: judge by this family of instances alone.
        limit: how many at most.
        store: a database file or URL; None is the user's own.

    Raises:
        SlotforgeError: nothing is known by one of the names, or the store cannot be opened.
    """
    from slotforge.lineage.best import best as query
    from slotforge.lineage.store import open_store
    from slotforge.service.cli._names import check_names

    with open_store(store, new=False) as opened:
        check_names(opened, domain, slot, family)
        return query(opened, domain, slot=slot, family=family, limit=limit)
