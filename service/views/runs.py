"""The runs: as a list, and one of them."""

from __future__ import annotations

from slotforge.lineage import queries
from slotforge.lineage.reads.course import Failures, curve, failures
from slotforge.lineage.reads.runs import RunLine, RunState, run_id, run_record, runs
from slotforge.lineage.records import RunDetails
from slotforge.lineage.store import SqlStore

__all__ = ["RunLine", "RunShown", "RunState", "run_id", "run_record", "runs", "shown"]


class RunShown(RunDetails):
    """A run as it is shown.

    curve: numbers and ratios of the trials that were the best when they were made.
    failures: how often each reason stands in each class of failures.
    """

    curve: tuple[tuple[int, float], ...]
    failures: Failures


def shown(store: SqlStore, id_: str, *, reasons: int | None = None) -> RunShown:
    """Return all about a run but its trials; `reasons` of each class of failures are told at most."""
    details = queries.show_run(store, id_)
    return RunShown(
        **{name: getattr(details, name) for name in RunDetails.model_fields},
        curve=curve(store, id_).steps,
        failures=failures(store, id_, most=reasons),
    )
