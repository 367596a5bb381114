"""What a prompt tells a model about step rules: form, functions, the families of the search, and how costs are made."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

INTERFACE = Path(__file__).with_name("interface.md")


def text(families: Sequence[str]) -> str:
    """Return the interface with the names of the functions that rules may call, and what the families are."""
    from slotforge.solvers.optim.words import FUNCTIONS, LINALG

    interface = INTERFACE.read_text(encoding="utf-8")
    functions = f"Functions of xp: {', '.join(FUNCTIONS)}; of xp.linalg: {', '.join(LINALG)}."
    return "\n\n".join([f"{interface}\n{functions}", *(_problems(spec) for spec in families)])


def _problems(spec: str) -> str:
    """Tell what the problems of a family are, from its own words, and how its knobs are set in a search."""
    from slotforge.solvers.optim import case

    family, knobs = case.parse(spec)
    settings = [case.key({**family.knobs, **one, **knobs}) for one in family.splits["search"]]
    told = [
        inspect.getdoc(inspect.getmodule(type(family))) or "",
        inspect.getdoc(type(family)) or "",
        f"In this search: {'; '.join(dict.fromkeys(settings))}. Oracle: {said(type(family).oracle)}. "
        f"Metric: {said(type(family).metric)}.",
    ]
    return "\n\n".join([f"Problems of `{spec}`:", *told])


def said(method: object) -> str:
    """Return the first paragraph of a docstring, without its verb."""
    return " ".join((inspect.getdoc(method) or "").split("\n\n")[0].split()).removeprefix("Return ").rstrip(".")
