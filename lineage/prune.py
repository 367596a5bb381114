"""Dropping what is large and no longer needed of old runs: exchanges with models, and measurements of what lost.

What a search found stays whole: every trial with its parents, state and ratio; the sources of every candidate; verdicts
with what they rest on; figures of usage. Winners and whatever they descend from keep their exchanges and measurements.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
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
    """Drop what is large of old runs that have finished, some trials in each transaction, so that others go on.

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
        with store.reading() as connection:
            parts = tuple(chunks(_numbers(connection, run)))
        for part in parts:
            with begin() as connection:
                if run.startswith(replayed(connection)):
                    left.append(run)
                    break
                job.trials(connection, run, part)
    job.prompts(store)
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
        self._told: dict[str, tuple[int, Counter[str]]] = {}  # the event of each run, and what was dropped of it
        self._asked_less: Counter[str] = Counter()  # prompts, by how many exchanges of each would be dropped

    @property
    def dropped(self) -> dict[str, Any]:
        """The fields of `Pruned`."""
        return {"runs": tuple(self._runs), **self._counts}

    def trials(self, connection: Connection, run: str, numbers: Sequence[int]) -> None:
        """Drop what is large of some trials of a run, and keep that as its event."""
        trial, winners = schema.Trial, self._winners.now(connection)
        query = select(trial.number, trial.state, trial.candidate).where(trial.run == run, trial.number.in_(numbers))
        found = connection.execute(query).all()
        kept = {number for number, _, candidate in found if number == 0 or candidate in winners}
        lost = [n for n, state, _ in found if n not in kept and (self._measurements == "all" or state in LOST)]
        rest = [number for number in numbers if number not in kept]
        dropped = {
            "exchanges": self._drop_exchanges(connection, run, rest) if self._exchanges else 0,
            "measurements": self._drop_measurements(connection, run, lost) if self._measurements != "none" else 0,
            "logs": self._drop_logs(connection, run, rest) if self._exchanges else 0,
        }
        if any(dropped.values()):
            if run not in self._runs:
                self._runs.append(run)
            if not self._dry:
                self._tell(connection, run, dropped)
        for name, count in dropped.items():
            self._counts[name] += count

    def _tell(self, connection: Connection, run: str, dropped: Mapping[str, int]) -> None:
        """Keep what was dropped of a run as one event, which a newer one replaces: who has seen it looks again."""
        event = schema.Event
        before, sums = self._told.get(run, (None, Counter[str]()))
        sums.update(dropped)
        why = ", ".join(f"{count} {name}" for name, count in sums.items() if count)
        facts = {"why": f"{why} dropped", **sums}
        kept = insert(event).values(run=run, kind=EVENT, facts=facts, at=time.time()).returning(event.id)
        self._told[run] = (connection.execute(kept).scalar_one(), sums)
        if before is not None:
            connection.execute(delete(event).where(event.id == before))

    def prompts(self, store: SqlStore) -> None:
        """Drop the prompts that nothing asks any more; on a server, others wait with new ones while some are."""
        if not self._counts["exchanges"]:
            return
        row = schema.Prompt
        unasked = ~or_(*(select(table.prompt).where(table.prompt == row.id).exists() for table in _ASKING))
        with store.reading() as connection:
            found = connection.scalars(select(row.id).where(unasked)).all()
            for chunk in chunks(self._asked_less):
                self._count_prompts(connection, row.id.in_(self._asked_no_more(connection, chunk)))
        for chunk in chunks(found):
            these = row.id.in_(chunk) & unasked
            with store.reading() if self._dry else store.writing() as connection:
                if connection.dialect.name == "postgresql" and not self._dry:
                    connection.execute(text("LOCK TABLE prompt IN SHARE ROW EXCLUSIVE MODE"))
                self._count_prompts(connection, these)
                if not self._dry:
                    connection.execute(delete(row).where(these))

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

    def _drop_exchanges(self, connection: Connection, run: str, numbers: Sequence[int]) -> int:
        row, dropped = schema.Completion, 0
        these = (row.run == run, row.prompt != NO_PROMPT.id, row.number.in_(numbers))
        size = func.coalesce(func.sum(func.length(row.text)), 0)
        asked = select(row.prompt, func.count(), size).where(*these).group_by(row.prompt)
        for prompt, count, length in connection.execute(asked):
            dropped += count
            self._counts["size"] += int(length)
            if self._dry:
                self._asked_less[prompt] += count
        if dropped and not self._dry:
            execute(connection, [rows.prompt_row(NO_PROMPT)])
            connection.execute(update(row).where(*these).values(prompt=NO_PROMPT.id, text=""))
        return dropped

    def _drop_measurements(self, connection: Connection, run: str, numbers: Sequence[int]) -> int:
        row = schema.Measurement
        these = (row.run == run, row.number.in_(numbers))
        dropped = connection.scalar(select(func.count()).select_from(row).where(*these)) or 0
        if dropped and not self._dry:
            connection.execute(delete(row).where(*these))
        return dropped

    def _drop_logs(self, connection: Connection, run: str, numbers: Sequence[int]) -> int:
        row = schema.CompileLog
        these = (row.run == run, row.number.in_(numbers))
        size = func.coalesce(func.sum(func.length(row.text)), 0)
        dropped, length = connection.execute(select(func.count(), size).select_from(row).where(*these)).one()
        self._counts["size"] += int(length)
        if dropped and not self._dry:
            connection.execute(delete(row).where(*these))
        return int(dropped)


_ASKING = (schema.Completion, schema.PromptCompletion)


def _numbers(connection: Connection, run: str) -> set[int]:
    """Return the numbers of a run's trials, and those of exchanges that led to none."""
    found = (select(row.number).distinct().where(row.run == run) for row in (schema.Trial, schema.Completion))
    return {number for query in found for number in connection.scalars(query)}


def _old(connection: Connection, before: float | None, keep: int | None) -> tuple[list[str], list[str]]:
    """Return the old runs that have finished, and those that have not."""
    run = schema.Run
    found = connection.execute(select(run.id, run.state, run.ended).order_by(run.started.desc(), run.id)).all()
    old = [row for row in found[keep or 0 :] if before is None or (row.ended is not None and row.ended < before)]
    return [row.id for row in old if row.state in OVER], [row.id for row in old if row.state not in OVER]
