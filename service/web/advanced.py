"""The settings of a search that most leave as they are: as fields of a form, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData

from slotforge.core.types import RunConfig
from slotforge.search import settings
from slotforge.service.api.orders import OptionsOrder, RunOrder
from slotforge.service.web import forms

OPTIONS: Mapping[str, str] = {
    "start": "builtins", "tune_share": f"{settings.TUNE_SHARE:g}", "library": "", "tuned_baseline": "yes",
    "novelty": "", "limit": "", "when_down": "stop", "answers": "fences", "prompts": "shipped",
}  # fmt: skip
BLANK: Mapping[str, str] = {**OPTIONS, "window": "", "priority": "0"}
SAID = {True: "yes", False: "no", None: ""}


def options(form: FormData) -> dict[str, str]:
    """Return the options that were filled in."""
    return {name: forms.text(form, name) for name in (*OPTIONS, "per_family")}


def of(config: RunConfig, priority: int) -> dict[str, Any]:
    """Return the fields that ask for the same again; those are left blank that are as they would be anyway."""
    asked = settings.asked(config.options)
    usual = settings.usual(asked["start"]).get("library", False)
    prompts, window = asked["prompts"], max(config.workers, RunOrder.model_fields["window"].default)
    return {
        **{name: value for name, value in asked.items() if name in OptionsOrder.model_fields},
        "library": "" if asked["library"] == usual else SAID[asked["library"]],
        "tuned_baseline": SAID[asked["tuned_baseline"]],
        "tune_share": f"{asked['tune_share']:g}",
        "prompts": ",".join(prompts.values()) if isinstance(prompts, Mapping) else prompts,
        "window": "" if config.window == window else config.window,
        "priority": priority,
    }
