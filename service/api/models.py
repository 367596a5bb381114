"""Which models a request may name: those that the configuration offers, and what needs no server."""

from __future__ import annotations

import re

from slotforge.core.errors import UsageError
from slotforge.core.types import Budget
from slotforge.service.api.settings import Model, Settings

FREE = ("offline",)
_REPLAY = re.compile(r"replay:[0-9a-f]{4,64}")


def names(settings: Settings) -> tuple[str, ...]:
    """List what may be named; besides, replay:RUN takes the answers of a run of this store."""
    return *FREE, *(model.spec for model in settings.models)


def base_url(settings: Settings, model: str, budget: Budget) -> str | None:
    """Check a model, or several with commas, and return where their server is; None is the usual place.

    Raises:
        UsageError: one is not offered, two have servers apart, or the budget may pass what one may cost.
    """
    offered = {one.spec: one for one in settings.models}
    asked = [name.strip() for name in model.split(",")]
    unknown = [name for name in asked if not (name in FREE or name in offered or _REPLAY.fullmatch(name))]
    if unknown:
        choice = ", ".join((*names(settings), "replay:RUN"))
        raise UsageError(f"no model '{unknown[0][:80]}' is offered here: choose of {choice}")
    found = [offered[name] for name in asked if name in offered]
    for one in found:
        _afford(one, budget)
    urls = {one.base_url for one in found}
    if len(urls) > 1:
        raise UsageError(f"{model} are on different servers: choose models of one")
    return next(iter(urls), None)


def _afford(model: Model, budget: Budget) -> None:
    if model.usd is not None and (budget.usd is None or budget.usd > model.usd):
        raise UsageError(
            f"a run with {model.spec} may cost {model.usd:g} USD at most: give it a budget of that or less"
        )
