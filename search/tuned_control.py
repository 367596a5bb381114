"""The control of a confirmation: the tuned baseline of the search that found the candidate, as its report names it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slotforge.search.report import Control

if TYPE_CHECKING:
    from slotforge.core.types import Candidate
    from slotforge.lineage.store import SqlStore

KIND = "tuned_baseline"


def of_runs(store: SqlStore, runs: Sequence[str]) -> tuple[Control, Candidate] | None:
    """Return the tuned baseline of the first of some runs that has one, with its figures there; None where none has.

    Its candidate is without slots where no numbers were found that are better.
    """
    from slotforge.lineage import queries

    for run in runs:
        controls = (store.run(run).report or {}).get("controls") or {}
        if KIND in controls:
            control = Control.model_validate(controls[KIND])
            return control, queries.candidate(store, control.candidate)
    return None
