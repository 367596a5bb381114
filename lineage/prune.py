"""Dropping what is large and no longer needed of old runs: exchanges with models, and measurements of what lost.

What a search found stays whole: every trial with its parents, state and ratio; the sources of every candidate; verdicts
with what they rest on; figures of usage. Winners and whatever they descend from keep their exchanges and measurements.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, or_, select, text, update

from slotforge.core.types import Record, TrialState
from slotforge.lineage import rows, schema
from slotforge.lineage.dropped import NO_PROMPT
from slotforge.lineage.store import SqlStore
from slotforge.lineage.writer import execute

Drop = Literal["lost", "all", "none"]

LOST = frozenset(TrialState) - {TrialState.SCORED, TrialState.CONFIRMED, TrialState.PROPOSED}
EVENT = "pruned"
OVER = ("finished", "cancelled")  # states of runs that never go on
CHUNK = 500


class Pruned(Record):
    """What was dropped, or would be.

    runs: that had something to drop; left: old runs that have not finished, and stay whole so that they can go on.
    exchanges, measurements: how many; prompts: that nothing asks any more; size: bytes of texts.
    """

    store: str
    runs: tuple[str, ...]
    left: tuple[str, ...]
    exchanges: int
    measurements: int
    prompts: int
    size: int


class _Undo(Exception):
    """Ends a transaction that is to change nothing."""


def prune(
    store: SqlStore,
    *,
    before: float | None = None,
    keep: int | None = None,
    exchanges: bool = True,
    measurements: Drop = "lost",
    dry: bool = False,
) -> Pruned:
    """Drop what is large of old runs that have finished; each run in a transaction of its own.

    Args:
        store: to shrink; `vacuum` gives the room back to the disk.
        before: only of runs that ended before this time, in seconds since 1970.
        keep: of none of so many newest runs.
        exchanges: drop prompts and answers.
        measurements: drop those of trials that lost, of all, or none; of baseline and winners none in any case.
        dry: only count.
    """
    with store.reading() as connection:
        old, left = _old(connection, before, keep)
        winners = _winners(connection)
    job = _Job(winners=winners, exchanges=exchanges, measurements=measurements)
    if dry:
        with suppress(_Undo), store.writing() as connection:
            for run in old:
                job.run(connection, run)
            job.prompts(connection)
            raise _Undo
    else:
        for run in old:
            with store.writing() as connection:
                job.run(connection, run)
        with store.writing() as connection:
            job.prompts(connection)
    return Pruned(store=store.name, left=tuple(left), **job.dropped)


class _Job:
    """Drops, and counts what it drops."""

    def __init__(self, *, winners: Collection[str], exchanges: bool, measurements: Drop) -> None:
        self._winners = winners
        self._exchanges = exchanges
        self._measurements = measurements
        self._runs: list[str] = []
        self._counts = dict.fromkeys(("exchanges", "measurements", "prompts", "size"), 0)

    @property
    def dropped(self) -> dict[str, Any]:
        """The fields of `Pruned`."""
        return {"runs": tuple(self._runs), **self._counts}

    def run(self, connection: Connection, run: str) -> None:
        """Drop what is large of one run, and keep that as an event of it."""
        trial = schema.Trial
        trials = connection.execute(select(trial.number, trial.state, trial.candidate).where(trial.run == run)).all()
        kept = {number for number, _, candidate in trials if number == 0 or candidate in self._winners}
        lost = [n for n, state, _ in trials if n not in kept and (self._measurements == "all" or state in LOST)]
        found = {
            "exchanges": self._drop_exchanges(connection, run, kept) if self._exchanges else 0,
            "measurements": self._drop_measurements(connection, run, lost) if self._measurements != "none" else 0,
        }
        if any(found.values()):
            why = ", ".join(f"{count} {name}" for name, count in found.items() if count)
            facts = {"why": f"{why} dropped", **found}
            connection.execute(insert(schema.Event).values(run=run, kind=EVENT, facts=facts, at=time.time()))
            self._runs.append(run)
        for name, count in found.items():
            self._counts[name] += count

    def prompts(self, connection: Connection) -> None:
        """Drop the prompts that nothing asks any more; on a server, others wait with new ones for that long."""
        if not self._counts["exchanges"]:
            return
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE prompt IN SHARE ROW EXCLUSIVE MODE"))
        row = schema.Prompt
        asked = (select(table.prompt).where(table.prompt == row.id).exists() for table in _ASKING)
        unasked = ~or_(*asked)
        size = select(func.coalesce(func.sum(func.length(row.messages)), 0)).where(unasked)
        self._counts["size"] += int(connection.scalar(size) or 0)
        self._counts["prompts"] += connection.execute(delete(row).where(unasked)).rowcount

    def _drop_exchanges(self, connection: Connection, run: str, kept: Collection[int]) -> int:
        row = schema.Completion
        ours = (row.run == run, row.prompt != NO_PROMPT.id)
        numbers = set(connection.scalars(select(row.number).distinct().where(*ours))) - set(kept)
        execute(connection, [rows.prompt_row(NO_PROMPT)])
        count = 0
        for chunk in _chunks(numbers):
            these = (*ours, row.number.in_(chunk))
            size = select(func.coalesce(func.sum(func.length(row.text)), 0)).where(*these)
            self._counts["size"] += int(connection.scalar(size) or 0)
            count += connection.execute(update(row).where(*these).values(prompt=NO_PROMPT.id, text="")).rowcount
        return count

    def _drop_measurements(self, connection: Connection, run: str, numbers: Sequence[int]) -> int:
        row = schema.Measurement
        return sum(
            connection.execute(delete(row).where(row.run == run, row.number.in_(chunk))).rowcount
            for chunk in _chunks(numbers)
        )


_ASKING = (schema.Completion, schema.PromptCompletion)


def _old(connection: Connection, before: float | None, keep: int | None) -> tuple[list[str], list[str]]:
    """Return the old runs that have finished, and those that have not."""
    run = schema.Run
    found = connection.execute(select(run.id, run.state, run.ended).order_by(run.started.desc(), run.id)).all()
    old = [row for row in found[keep or 0 :] if before is None or (row.ended is not None and row.ended < before)]
    return [row.id for row in old if row.state in OVER], [row.id for row in old if row.state not in OVER]


def _winners(connection: Connection) -> frozenset[str]:
    """Return the candidates that verdicts, reports and exports are about, with all that they descend from."""
    verdict, artefact = schema.Verdict, schema.Artefact
    found = {*connection.scalars(select(verdict.candidate)), *connection.scalars(select(verdict.against))}
    found |= {*connection.scalars(select(artefact.candidate))}
    for report in connection.scalars(select(schema.Run.report).where(schema.Run.report.is_not(None))):
        found |= set(_named(report))
    trial, parent = schema.Trial, schema.Parent
    newest = found
    while newest:
        edges = select(parent.candidate).join(trial, (trial.run == parent.run) & (trial.number == parent.number))
        older = {
            id_
            for chunk in _chunks(newest)
            for id_ in connection.scalars(edges.where(trial.candidate.in_(chunk)).distinct())
        }
        newest = older - found
        found |= newest
    return frozenset(found)


def _named(report: Any) -> Iterator[str]:
    """Yield the candidates that a report names, wherever it does."""
    if isinstance(report, dict):
        for name, value in report.items():
            if isinstance(value, str) and (name == "candidate" or name.endswith("_candidate")):
                yield value
            else:
                yield from _named(value)
    elif isinstance(report, list):
        for value in report:
            yield from _named(value)


def _chunks(found: Iterable[Any]) -> Iterator[list[Any]]:
    ordered = sorted(found)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]
