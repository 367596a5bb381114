"""A run or a candidate with all that is known of it, as `slotforge show --json` prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from slotforge.core.errors import UsageError
from slotforge.core.types import Record
from slotforge.lineage import queries
from slotforge.lineage.lookup import Kind
from slotforge.lineage.reads.candidates import candidate
from slotforge.lineage.reads.runs import asked
from slotforge.lineage.records import CandidateDetails
from slotforge.lineage.store import SqlStore

MOST_TRIALS = 500  # of a candidate, with all their measurements and exchanges


class Found(Record):
    """What the beginning of an id belongs to."""

    kind: Kind
    id: str


def found(store: SqlStore, ref: str) -> Found:
    """Say what the beginning of an id belongs to, or the whole one of a search that waits.

    Raises:
        UnknownId: that is nothing, or more than one thing.
    """
    if asked(store, whole := ref.strip().lower()):
        return Found(kind="run", id=whole)
    kind, id_ = queries.identify(store, ref)
    return Found(kind=kind, id=id_)


def details(store: SqlStore, ref: str) -> CandidateDetails:
    """Return all about a candidate.

    Raises:
        UnknownId: there is none, or several.
        UsageError: more trials led to it than can be told at once, as to the baseline of many runs.
    """
    known = candidate(store, ref, verdicts=0)
    if known.trials > MOST_TRIALS:
        raise UsageError(f"{known.trials} trials led to {known.id}, too many to tell whole: ask for their list")
    return queries.show_candidate(store, known.id)


def replay(store: SqlStore, run: str) -> Iterator[str]:
    """Yield the exchanges of a run as the lines of a replay file."""
    return map(_line, queries.completions(store, run))


def _line(exchange: Mapping[str, Any]) -> str:
    """Write an exchange down; what is no Unicode in a text, as a model may send it, stays as an escape."""
    text = json.dumps(exchange, ensure_ascii=False) + "\n"
    return text.encode(errors="backslashreplace").decode()
