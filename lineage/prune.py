"""Dropping what is large and no longer needed of old runs: exchanges with models, and measurements of what lost.

What a search found stays whole: every trial with its parents, state and ratio; the sources of every candidate; verdicts
with what they rest on; figures of usage. Winners and whatever they descend from keep their exchanges and measurements.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, text, update

from slotforge.core.types import Record, TrialState
from slotforge.lineage import rows, schema
from slotforge.lineage.dropped import NO_PROMPT
from slotforge.lineage.jobs import OVER
from slotforge.lineage.store import SqlStore
from slotforge.lineage.winners import Winners, chunks, replayed
from slotforge.lineage.writer import execute

Drop = Literal["lost", "all", "none"]

LOST = frozenset(TrialState) - {TrialState.SCORED, TrialState.CONFIRMED, TrialState.PROPOSED}
EVENT = "pruned"


class Pruned(Record):
    """What was dropped, or would be.

    runs: that had something to drop.
    left: old runs that stay whole, for they have not finished, or what has not finished replays them.
    exchanges, measurements, logs: how many; logs are those of the compiler.
    prompts: that nothing asks any more.
    size: bytes of texts.
    """

    store: str
    runs: tuple[str, ...]
    left: tuple[str, ...]
    exchanges: int
    measurements: int
    logs: int
    prompts: int
    size: int


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
        exchanges: drop prompts and answers, and what the compiler said.
        measurements: drop those of trials that lost, of all, or none; of baseline and winners none in any case.
        dry: only count, and lock nothing.
    """
    begin = store.reading if dry else store.writing
    job = _Job(exchanges=exchanges, measurements=measurements, dry=dry)
    with store.reading() as connection:
        old, left = _old(connection, before, keep)
    for run in old:
        with begin() as connection:
            if run.startswith(replayed(connection)):
                left.append(run)
            else:
                job.run(connection, run)
    with begin() as connection:
        job.prompts(connection)
    return Pruned(store=store.name, left=tuple(left), **job.dropped)


class _Job:
    """Counts what there is to drop, and drops it unless it is to be counted only."""

    def __init__(self, *, exchanges: bool, measurements: Drop, dry: bool) -> None:
        self._exchanges = exchanges
        self._measurements = measurements
        self._dry = dry
        self._winners = Winners()
        self._runs: list[str] = []
        self._counts = dict.fromkeys(("exchanges", "measurements", "logs", "prompts", "size"), 0)
        self._asked_less: Counter[str] = Counter()  # prompts, by how many exchanges of each would be dropped

    @property
    def dropped(self) -> dict[str, Any]:
        """The fields of `Pruned`."""
        return {"runs": tuple(self._runs), **self._counts}

    def run(self, connection: Connection, run: str) -> None:
        """Drop what is large of one run, and keep that as an event of it."""
        trial, winners = schema.Trial, self._winners.now(connection)
        trials = connection.execute(select(trial.number, trial.state, trial.candidate).where(trial.run == run)).all()
        kept = {number for number, _, candidate in trials if number == 0 or candidate in winners}
        lost = [n for n, state, _ in trials if n not in kept and (self._measurements == "all" or state in LOST)]
        found = {
            "exchanges": self._drop_exchanges(connection, run, kept) if self._exchanges else 0,
            "measurements": self._drop_measurements(connection, run, lost) if self._measurements != "none" else 0,
            "logs": self._drop_logs(connection, run, kept) if self._exchanges else 0,
        }
        if any(found.values()):
            self._runs.append(run)
            if not self._dry:
                _tell(connection, run, found)
        for name, count in found.items():
            self._counts[name] += count

    def prompts(self, connection: Connection) -> None:
        """Drop the prompts that nothing asks any more; on a server, others wait with new ones for that long."""
        if not self._counts["exchanges"]:
            return
        if connection.dialect.name == "postgresql" and not self._dry:
            connection.execute(text("LOCK TABLE prompt IN SHARE ROW EXCLUSIVE MODE"))
        row = schema.Prompt
        unasked = ~or_(*(select(table.prompt).where(table.prompt == row.id).exists() for table in _ASKING))
        self._count_prompts(connection, unasked)
        if not self._dry:
            connection.execute(delete(row).where(unasked))
        for chunk in chunks(self._asked_less):
            self._count_prompts(connection, row.id.in_(self._asked_no_more(connection, chunk)))

    def _count_prompts(self, connection: Connection, which: ColumnElement[bool]) -> None:
        row = schema.Prompt
        size = func.coalesce(func.sum(func.length(row.messages)), 0)
        found, length = connection.execute(select(func.count(), size).select_from(row).where(which)).one()
        self._counts["prompts"] += found
        self._counts["size"] += int(length)

    def _asked_no_more(self, connection: Connection, prompts: Sequence[str]) -> set[str]:
        """Return which of some prompts nothing would ask any more."""
        row, other = schema.Completion, schema.PromptCompletion
        asked = select(row.prompt, func.count()).where(row.prompt.in_(prompts)).group_by(row.prompt)
        found = {prompt for prompt, count in connection.execute(asked) if count == self._asked_less[prompt]}
        return found - set(connection.scalars(select(other.prompt).where(other.prompt.in_(found)).distinct()))

    def _drop_exchanges(self, connection: Connection, run: str, kept: Collection[int]) -> int:
        row = schema.Completion
        ours = (row.run == run, row.prompt != NO_PROMPT.id)
        numbers = set(connection.scalars(select(row.number).distinct().where(*ours))) - set(kept)
        dropped = 0
        if not self._dry:
            execute(connection, [rows.prompt_row(NO_PROMPT)])
        for chunk in chunks(numbers):
            these = (*ours, row.number.in_(chunk))
            size = func.coalesce(func.sum(func.length(row.text)), 0)
            asked = select(row.prompt, func.count(), size).where(*these).group_by(row.prompt)
            for prompt, count, length in connection.execute(asked):
                dropped += count
                self._counts["size"] += int(length)
                if self._dry:
                    self._asked_less[prompt] += count
            if not self._dry:
                connection.execute(update(row).where(*these).values(prompt=NO_PROMPT.id, text=""))
        return dropped

    def _drop_measurements(self, connection: Connection, run: str, numbers: Sequence[int]) -> int:
        row, dropped = schema.Measurement, 0
        for chunk in chunks(numbers):
            these = (row.run == run, row.number.in_(chunk))
            dropped += connection.scalar(select(func.count()).select_from(row).where(*these)) or 0
            if not self._dry:
                connection.execute(delete(row).where(*these))
        return dropped

    def _drop_logs(self, connection: Connection, run: str, kept: Collection[int]) -> int:
        row, dropped = schema.CompileLog, 0
        numbers = set(connection.scalars(select(row.number).distinct().where(row.run == run))) - set(kept)
        for chunk in chunks(numbers):
            these = (row.run == run, row.number.in_(chunk))
            size = func.coalesce(func.sum(func.length(row.text)), 0)
            count, length = connection.execute(select(func.count(), size).select_from(row).where(*these)).one()
            dropped += count
            self._counts["size"] += int(length)
            if not self._dry:
                connection.execute(delete(row).where(*these))
        return dropped


_ASKING = (schema.Completion, schema.PromptCompletion)


def _tell(connection: Connection, run: str, found: Mapping[str, int]) -> None:
    why = ", ".join(f"{count} {name}" for name, count in found.items() if count)
    facts = {"why": f"{why} dropped", **found}
    connection.execute(insert(schema.Event).values(run=run, kind=EVENT, facts=facts, at=time.time()))


def _old(connection: Connection, before: float | None, keep: int | None) -> tuple[list[str], list[str]]:
    """Return the old runs that have finished, and those that have not."""
    run = schema.Run
    found = connection.execute(select(run.id, run.state, run.ended).order_by(run.started.desc(), run.id)).all()
    old = [row for row in found[keep or 0 :] if before is None or (row.ended is not None and row.ended < before)]
    return [row.id for row in old if row.state in OVER], [row.id for row in old if row.state not in OVER]
