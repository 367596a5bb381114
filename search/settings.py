"""What a search takes from the command line, and from `slotforge.discover`, unless it is told otherwise.

A `RunConfig` by itself asks for none of it, so that searches can be compared at equal terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TUNE_SHARE = 0.2  # of the proposals, for numbers
USUAL: Mapping[str, str] = {"start": "builtins", "answers": "fences", "when_down": "stop", "prompts": "shipped"}


def usual(start: str | None) -> Mapping[str, Any]:
    """Return options: a share for numbers, and the library, unless the search is to begin from scratch."""
    return {"tune_share": TUNE_SHARE, **({} if start == "default" else {"library": True})}


def options(
    *, start: str, library: bool | None, tune_share: float, tuned_baseline: bool, **others: Any
) -> dict[str, Any]:
    """Return the options of a run, less those that say what holds anyway.

    Args:
        start: where to begin: "builtins" or "default".
        library: race first what earlier runs have found; None is unless the search is to begin from scratch.
        tune_share: share of the proposals that tunes numbers; 0 is none.
        tuned_baseline: hold the winner against the tuned baseline as well.
        others: such as per_family, limit, novelty, answers, when_down and prompts; None is the usual.
    """
    told = {
        **others,
        "start": start,
        "library": (usual(start).get("library") if library is None else library) or None,
        "tune_share": tune_share or None,
        "tuned_baseline": None if tuned_baseline else False,
    }
    return {name: value for name, value in told.items() if value not in (None, USUAL.get(name))}


def asked(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the options of a run were made of: what `options` makes the same ones of."""
    return {"library": False, "tune_share": 0.0, "tuned_baseline": True, **USUAL, **told}
