"""The runs: as a list, and one of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from slotforge.core.types import Instance
from slotforge.lineage import queries
from slotforge.lineage.reads.course import Failures, Point, curve, failures, leader
from slotforge.lineage.reads.ended import Memory
from slotforge.lineage.reads.runs import RunLine, RunState, asked, run_id, runs
from slotforge.lineage.records import RunDetails, RunRecord, Usage
from slotforge.lineage.store import SqlStore
from slotforge.search.report import Best, read

__all__ = ["RunLine", "RunShown", "RunState", "asked", "elsewhere", "run_id", "runs", "shown"]

INTERRUPTED = "interrupted"  # the state of a report that is not the last word
UNUSED = Usage(
    calls=0, input_tokens=0, output_tokens=0, unanswered_tokens=0, usd=0, latency_s=0, cpu_s=0, seconds=0
)  # by a search that waits


class RunShown(RunDetails):
    """A run as it is shown; the report of an interruption names the best so far, also of what came after it.

    curve: numbers and ratios of the trials that were the best when they were made.
    failures: how often each reason stands in each class of failures.
    """

    curve: tuple[Point, ...]
    failures: Failures


_ENDED: Memory[RunShown] = Memory()


def shown(store: SqlStore, id_: str, *, pairs: bool = True, reasons: int | None = None) -> RunShown:
    """Return all about a run but its trials.

    Args:
        id_: whole; that of a search that waits in the queue will do.
        pairs: what verdicts rest on as well.
        reasons: of each class of failures at most, the most frequent ones.
    """
    if pairs:
        return _shown(store, id_, pairs, reasons)
    return _ENDED.get(store, id_, reasons, lambda: _shown(store, id_, pairs, reasons))


def _shown(store: SqlStore, id_: str, pairs: bool, reasons: int | None) -> RunShown:
    with store.reading():
        search = asked(store, id_)
        if search and search.waits:
            record = search.record(id_)
            return RunShown(run=record, usage=UNUSED, states={}, confirmations=(), events=(), curve=(), failures={})
        details = queries.show_run(store, id_, pairs=pairs)
        fields = {name: getattr(details, name) for name in RunDetails.model_fields}
        run = details.run.model_copy(update={"report": _current(store, details.run)})
        fields["run"] = run.model_copy(update={"state": search.state}) if search else run
        return RunShown(**fields, curve=curve(store, id_).steps, failures=failures(store, id_, most=reasons))


def _current(store: SqlStore, run: RunRecord) -> Mapping[str, Any] | None:
    """Return the report of a run; where it went on after an interruption, with what was better since as the best."""
    report = run.report
    if not report or report.get("state") != INTERRUPTED:
        return report
    told, found = read(report), leader(store, run.id)
    if told is None or found is None or found[1] >= told.best.ratio_search:
        return report
    candidate, ratio = found
    best = Best(candidate=candidate, slots=queries.candidate(store, candidate).slots, ratio_search=ratio)
    return {**report, "best": best.model_dump(mode="json")}


def elsewhere(run: RunShown) -> RunShown:
    """Return a run as another machine is told of it: files of instances by their names, without their folders."""
    suite = run.run.suite
    parts = {part: tuple(map(_file_alone, getattr(suite, part))) for part in ("search", "select", "holdout")}
    return run.model_copy(update={"run": run.run.model_copy(update={"suite": suite.model_copy(update=parts)})})


def _file_alone(instance: Instance) -> Instance:
    return Instance(**vars(instance) | {"path": os.path.basename(instance.path)})
