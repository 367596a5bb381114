"""One thread writes: what many small calls hand in is committed in few large transactions.

A job (all rows of one trial, or of one exchange) is never split between transactions, and jobs are committed in the
order in which they came. So a killed process leaves each trial whole or absent, and none without those before it.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from slotforge.core.errors import StoreError
from slotforge.lineage import shares, standings, steps, summaries
from slotforge.lineage.rows import KINDS, SHARED, Row, Rows, completions, insertions

WAIT_S = 0.25  # the longest that a job waits for others to share its transaction
FULL = 4_000  # rows that make a transaction worth its while
CROWDED = 12_000  # rows waiting at which writers wait too


class Writer:
    """Commits jobs in the background.

    begin: opens a transaction to write in; nothing else in this process needs to write often.
    clear_errors: turns the database's errors into StoreError.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        clear_errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._begin = begin
        self._clear_errors = clear_errors
        self._changed = threading.Condition()
        self._waiting: list[Rows] = []
        self._waiting_keys: set[Hashable] = set()
        self._writing_keys: set[Hashable] = set()
        self._rows = self._taken = self._committed = 0
        self._urgent = self._closing = self._seen = False
        self._error: StoreError | None = None
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._work, name="slotforge-store", daemon=True)
        self._thread.start()

    def write(self, key: Hashable, rows: Rows) -> None:
        """Hand in a job; raises the StoreError of an earlier one that could not be written."""
        with self._changed:
            self._changed.wait_for(lambda: self._rows < CROWDED or self._error or self._closing)
            self._raise()
            if self._closing:
                raise StoreError("the store is closed: open it again")
            self._waiting.append(rows)
            self._waiting_keys.add(key)
            self._rows += len(rows)
            self._taken += 1
            if len(self._waiting) == 1 or self._rows >= FULL:
                self._changed.notify_all()

    @property
    def taken(self) -> int:
        """How many jobs were handed in."""
        return self._taken

    def flush(self, key: Hashable | None = None) -> None:
        """Return when all jobs so far, or at least those with the key, are committed."""
        with self._changed:
            idle = self._committed == self._taken
            if not idle and (key is None or key in self._waiting_keys or key in self._writing_keys):
                goal, self._urgent = self._taken, True
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._committed >= goal or self._error)
            self._raise()

    def close(self) -> None:
        """Flush and stop; further jobs are refused. Raises an error that nobody has seen yet.

        In a forked child this does nothing: the thread is the parent's.
        """
        if os.getpid() != self._process:
            return
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        if not self._seen:
            self._raise()

    def _raise(self) -> None:
        if self._error:
            self._seen = True
            raise self._error

    def _work(self) -> None:
        while jobs := self._take():
            try:
                with self._clear_errors():
                    self._commit(jobs)
            except Exception as error:
                self._fail(error)
                return
            with self._changed:
                self._writing_keys.clear()
                self._committed += len(jobs)
                self._changed.notify_all()

    def _take(self) -> list[Rows]:
        """Wait for a job, then a moment for more; nothing means closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._changed.wait_for(lambda: self._rows >= FULL or self._urgent or self._closing, timeout=WAIT_S)
            jobs, self._waiting = self._waiting, []
            self._writing_keys, self._waiting_keys = self._waiting_keys, set()
            self._rows, self._urgent = 0, False
            self._changed.notify_all()
            return jobs

    def _commit(self, jobs: list[Rows]) -> None:
        with self._begin() as connection:
            execute(connection, [row for job in jobs for row in job])

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._error = error if isinstance(error, StoreError) else StoreError(f"a record cannot be kept: {error}")
            self._changed.notify_all()


def execute(connection: Connection, rows: Rows) -> None:
    """Write rows kind by kind, so that whatever a row points to comes before it.

    Rows that other processes may write too go in one order for all: so none waits for another in a circle. Summaries
    are brought up to date.
    """
    by_kind: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for kind, row in rows:
        by_kind[kind].append(row)
    for kind, names in SHARED.items():
        distinct = {tuple(row[name] for name in names): row for row in by_kind[kind]}
        by_kind[kind] = [distinct[key] for key in sorted(distinct)]
    dialect = connection.dialect.name
    for kind, found in by_kind.items():
        if found and kind == "completion":
            by_kind[kind] = [dict(row) for row in connection.execute(completions(dialect), found).mappings()]
        elif found:
            for part in _in_turn(found) if kind == "call" else [found]:
                insertions(dialect)[kind].write(connection, part)
    standings.search(connection, by_kind, summaries.add(connection, by_kind))
    shares.add(connection, by_kind)
    steps.add(connection, by_kind["trial"])


def _in_turn(calls: Sequence[Row]) -> Iterable[list[Row]]:
    """Part exchanges so that those of one trial, which count those before them, are written one after the other."""
    turns: dict[int, list[Row]] = defaultdict(list)
    before = Counter[tuple[str, int]]()
    for call in calls:
        of = call["of_run"], call["of_number"]
        turns[before[of]].append(call)
        before[of] += 1
    return turns.values()
