"""The control of a confirmation: the tuned baseline of the search that found the candidate, as its report names it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from slotforge.core.types import Candidate
from slotforge.search.report import Control

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore

KIND = "tuned_baseline"


class Tuned(NamedTuple):
    """The tuned baseline of a run, with its figures there; without slots where no better numbers were found."""

    run: str
    figures: Control
    candidate: Candidate


def of_runs(store: SqlStore, runs: Sequence[str]) -> Tuned | None:
    """Return the tuned baseline of the first of some runs that has one; None where none has."""
    from slotforge.lineage import queries

    for run in runs:
        controls = (store.run(run).report or {}).get("controls") or {}
        if KIND in controls:
            control = Control.model_validate(controls[KIND])
            return Tuned(run, control, queries.candidate(store, control.candidate))
    return None
