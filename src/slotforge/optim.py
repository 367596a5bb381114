"""Found rules as optimizers of other libraries: `slotforge.optim.torch("adam")(model.parameters(), lr=1e-3)`."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.types import Candidate

if TYPE_CHECKING:
    from slotforge.solvers.optim.adapters.scipy import Method
    from slotforge.solvers.optim.adapters.torch import RuleOptimizer

_ID = re.compile(r"[0-9a-f]{4,16}")
Ref = str | os.PathLike[str] | Candidate


def torch(ref: Ref, *, store: str | None = None, tuned: bool = True) -> type[RuleOptimizer]:
    """Make a class of `torch.optim.Optimizer`.

    Args:
        ref: what is meant, see `resolve`.
        store: a database file or URL where ids are looked up; None is the user's own.
        tuned: for an id, let the medians of the best numbers that were found be the defaults, as `slotforge export`
            does, where there are any; else those that the rules declare.

    Raises:
        SlotforgeError: torch is not installed; or as `resolve`.
    """
    module = _adapter("torch", "torch")
    made: type[RuleOptimizer] = module.optimizer(*_composite(ref, store, tuned))
    return made


def optax(ref: Ref, *, store: str | None = None, tuned: bool = True) -> Any:
    """Make a function that makes a `optax.GradientTransformationExtraArgs`; arguments and errors as for `torch`."""
    return _adapter("optax", "jax optax").transformation(*_composite(ref, store, tuned))


def scipy(ref: Ref, *, store: str | None = None, tuned: bool = True) -> Method:
    """Make a method for `scipy.optimize.minimize`; arguments and errors as for `torch`."""
    made: Method = _adapter("scipy", "scipy").Method(*_composite(ref, store, tuned))
    return made


def resolve(ref: Ref, *, store: str | None = None) -> Mapping[str, str]:
    """Find out which rules are meant.

    Args:
        ref: a candidate; its id, or the beginning of it; the path of a rule file or of a file that was exported; or
            rules by slot, built-in ones or files, as "adam" or "schedule=cosine,step=mine.py".
        store: where ids are looked up.

    Returns:
        Slot name to source.

    Raises:
        UsageError: nothing of the kind exists.
        BuildError: a file cannot be read, or holds more than rules.
        StoreError: the store cannot be opened.
    """
    from slotforge.solvers.optim import builtin
    from slotforge.solvers.optim.sources import read

    if isinstance(ref, Candidate):
        return _optim(ref).slots
    name = os.fspath(ref)
    if not isinstance(ref, str) or Path(name).is_file():
        return read(Path(name))
    if "=" in name or name in builtin.rules("step"):
        return builtin.named(name)
    if os.sep in name:
        return read(Path(name))
    if _ID.fullmatch(name):
        return _stored(name, store).slots
    raise UsageError(f"'{name}' names no rule: give a candidate's id, a file, SLOT=RULE,... or the name of a step rule")


def _optim(candidate: Candidate) -> Candidate:
    if candidate.domain != "optim":
        raise UsageError(f"candidate {candidate.id} is of domain {candidate.domain}, it is no optimizer")
    return candidate


def _stored(ref: str, store: str | None) -> Candidate:
    from slotforge.service.cli._candidates import look_up

    return _optim(look_up(ref, store))


def _composite(ref: Ref, store: str | None, tuned: bool) -> tuple[Any, dict[str, float]]:
    from slotforge.solvers.optim.adapters._load import composite

    return composite(resolve(ref, store=store), _found(ref, store) if tuned else {})


def _found(ref: Ref, store: str | None) -> dict[str, float]:
    """Look up what tuning has found for an id; nothing for what else a reference means."""
    from slotforge.solvers.optim import builtin

    if not isinstance(ref, str) or not _ID.fullmatch(ref) or Path(ref).is_file() or ref in builtin.rules("step"):
        return {}
    from slotforge.lineage import queries
    from slotforge.lineage.store import open_store
    from slotforge.service.views.provenance import tuned_numbers

    with open_store(store, new=False) as opened:
        return {name: one.value for name, one in tuned_numbers(queries.show_candidate(opened, ref)).items()}


def _adapter(name: str, packages: str) -> Any:
    """Import a plug-in, and say what to install where its host is missing."""
    try:
        return importlib.import_module(f"slotforge.solvers.optim.adapters.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("slotforge"):
            raise
        raise SlotforgeError(f"{error.name} is not installed: pip install {packages}") from None
