"""The database: everything that was tried, across runs."""

from __future__ import annotations

import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import URL, Connection, Engine, Executable, bindparam, func, insert, select, update

from slotforge.core.comparison import Held, Pair
from slotforge.core.errors import StoreError, Unavailable, UnknownId
from slotforge.core.ids import content_id
from slotforge.core.types import Call, Candidate, Event, Measurement, RunConfig, Spending, Suite, Trial
from slotforge.lineage import driver, interim, jobs, migrations, rows, schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.dropped import whole
from slotforge.lineage.engine import CONNECTIONS, clear_errors, connect, locate, name
from slotforge.lineage.lookup import find
from slotforge.lineage.prepared import prepared
from slotforge.lineage.records import RunRecord, moment
from slotforge.lineage.verdicts import held, keep, not_better, opened
from slotforge.lineage.writer import Writer, execute

TURN_S = 30.0  # how long a thread waits for its turn to read
READERS = {"sqlite": 2, "postgresql": CONNECTIONS}
"""Threads that read at once; with SQLite, Python's lock goes from thread to thread at every row, so few are faster."""

OF = bindparam("of", type_=Exact())
Guard = Callable[[Connection], None]


def open_store(where: str | Path | None = None, *, new: bool = True, guard: Guard | None = None) -> SqlStore:
    """Open the database, and make it or bring its tables up to date if need be.

    Args:
        where: a path, sqlite:///FILE, postgresql+psycopg://USER@HOST/NAME, or None for the user's own store,
            slotforge.db in `slotforge.core.home.home()`.
        new: make it where there is none; the user's own is made in any case.
        guard: called first in each transaction that writes, which fails with what it raises.

    Raises:
        StoreError: it cannot be opened, is not there, is no database, is not ours, or is of a newer slotforge.
    """
    return SqlStore(locate(where, new=new or where is None), guard)


class SqlStore:
    """The store on SQLite or PostgreSQL; a context manager. Safe to share between threads, not between processes.

    Trials and exchanges are written in the background and are safe after `flush`; everything else, and whatever is
    read, flushes first.
    """

    def __init__(self, url: URL, guard: Guard | None = None) -> None:
        self.url = url
        self._token = uuid4().hex
        self._leased = guard is not None
        self._driven: set[str] = set()
        self._transactions = 0
        self._asked: Counter[tuple[str, int]] = Counter()  # exchanges kept for trials that are under way
        self._turns = threading.BoundedSemaphore(READERS[url.get_backend_name()])
        self._own = threading.local()
        self._reader = connect(url, writing=False)
        try:
            with clear_errors(url):
                migrations.ensure(self._reader)
        except BaseException:
            self._reader.dispose()
            raise
        self._engine = connect(url, writing=True)
        self._begin = _guarded(self._engine, guard)
        self._writer = Writer(self._begin, lambda: clear_errors(url))
        self._finalizer = weakref.finalize(self, self._writer.close)

    def __enter__(self) -> SqlStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """What to call this store: its file, or its URL without passwords."""
        return name(self.url)

    def flush(self) -> None:
        """Return when everything recorded so far is committed; raises the error of what could not be."""
        self._writer.flush()

    def close(self) -> None:
        """Flush, let go of the runs that are driven through this store, and disconnect."""
        if self._finalizer.detach():
            with ExitStack() as last:
                last.callback(self._reader.dispose)
                last.callback(self._engine.dispose)
                last.callback(self._release)
                self._writer.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Flush, then open one snapshot to query; within another one of this thread, it is that one."""
        if (snapshot := getattr(self._own, "snapshot", None)) is not None:
            yield snapshot
            return
        self._writer.flush()
        if not self._turns.acquire(timeout=TURN_S):
            raise Unavailable(f"{self.name} is read by too many at once: try again in a while")
        pool = self._reader.pool
        try:
            with clear_errors(self.url), self._reader.connect() as connection:
                self._own.snapshot = connection
                yield connection
        finally:
            self._own.snapshot = None
            self._turns.release()
            if not self._finalizer.alive:  # closed meanwhile, when this connection was in no pool
                pool.dispose()
                self._reader.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Flush, then open a transaction of its own."""
        self._writer.flush()
        try:
            with clear_errors(self.url), self._begin() as connection:
                yield connection
        finally:
            self._transactions += 1

    @property
    def written(self) -> int:
        """How often this store was written through; while it is the same, only others can have changed anything."""
        return self._transactions + self._writer.taken

    def create_run(
        self, config: RunConfig, suite: Suite, environment: Mapping[str, str], *, run: str | None = None
    ) -> str:
        """Open a run, driven by this process, and return its id: `run`, or a new one."""
        run = run or content_id({"config": config.model_dump(mode="json"), "nonce": uuid4().hex}, length=10)
        found = rows.of_run(run, config, suite, environment)
        own = {"state": "running", "driver": self._driver(), "started": time.time()}
        with self.writing() as connection:
            execute(connection, [(kind, row | own if kind == "run" else row) for kind, row in found])
        self._driven.add(run)
        return run

    def lock_run(self, run: str, *, take_over: bool = False) -> None:
        """Become the process that drives a run; it is let go by `finish`, `close`, or the end of the process.

        Args:
            take_over: also from a process on another machine, which cannot be asked whether it still lives.

        Raises:
            StoreError: another living process, or another store of this one, drives it.
            Conflict: it was cancelled, or is of the queue, and this store is opened without its lease.
        """
        row = schema.Run
        with self.writing() as connection:
            found = connection.execute(select(row.driver).where(row.id == run).with_for_update()).one_or_none()
            if found is None:
                raise UnknownId(f"no run {run} in {self.name}: `slotforge runs` lists them", store=self.name)
            if not self._leased:
                jobs.refuse_driver(connection, run)
            other = found.driver
            ours = other is not None and other["store"] == self._token
            if not (ours or take_over) and driver.lives(other, elsewhere=self._shared):
                where = f"process {other['pid']} on {other['host']}"
                what = "wait for its end, stop it, or --take-over what is lost"
                raise StoreError(f"run {run} is being driven by {where}: {what}")
            values = {"driver": self._driver(), "state": "running", "ended": None}
            connection.execute(update(row).where(row.id == run).values(values))
        self._driven.add(run)

    def record_call(self, run: str, number: int, call: Call) -> None:
        """Keep an exchange with a proposer as soon as it is paid for; safe after `flush`."""
        self._asked[run, number] += 1
        self._writer.write((run, number), rows.of_call(run, number, call))

    def calls(self, run: str, number: int) -> Sequence[Call]:
        """Return the exchanges kept for a trial, in order."""
        self._writer.flush((run, number))
        row = schema.Completion
        with clear_errors(self.url), self._reader.connect() as connection:
            return tuple(rows.calls(connection, row.run == run, row.number == number).get((run, number), ()))

    def all_calls(self, run: str, *, unfinished: bool = False) -> Mapping[int, Sequence[Call]]:
        """Return all exchanges kept for a run, by number of trial; `run` may be the beginning of an id.

        Args:
            unfinished: those alone whose trial is not finished.

        Raises:
            StoreError: some were dropped since.
        """
        row, trial = schema.Completion, schema.Trial
        finished = select(trial.number).where(trial.run == row.run, trial.number == row.number)
        with self.reading() as connection:
            _, id_ = find(connection, run, "run")
            found = whole(id_, rows.calls(connection, row.run == id_, *([~finished.exists()] if unfinished else [])))
        return {number: tuple(calls) for (_, number), calls in found.items()}

    def record(self, trial: Trial) -> None:
        """Keep a finished trial with all that belongs to it; safe after `flush`."""
        key = (trial.run, trial.number)
        asked = self._asked.pop(key, 0)  # by this process, which is all of them unless it went on after another
        self._writer.write(key, rows.of_trial(trial, exchanges=asked < len(trial.calls)))

    def trials(self, run: str, *, first: int | None = None, last: int | None = None) -> Mapping[int, Trial]:
        """Return the finished trials of a run by number, all of them or those from a first to a last number."""
        row = schema.Trial
        wanted = [row.run == run]
        wanted += [] if first is None else [row.number >= first]
        wanted += [] if last is None else [row.number <= last]
        with self.reading() as connection:
            return {trial.number: trial for trial in rows.trials(connection, *wanted)}

    def newest(self, run: str) -> int:
        """Return the highest number of a finished trial of a run; 0 where no proposal is finished."""
        with self.reading() as connection:
            highest = connection.scalar(select(func.max(schema.Trial.number)).where(schema.Trial.run == run))
        return max(highest or 0, 0)

    def open_session(self, run: str) -> int:
        """Begin a stretch of a run, and return its number, counted from 1; an event says "started" or "resumed"."""
        row = schema.Session
        with self.writing() as connection:
            number = (connection.scalar(select(func.max(row.number)).where(row.run == run)) or 0) + 1
            connection.execute(insert(row).values(run=run, number=number, **Spending().model_dump()))
            _keep_event(connection, run, "started" if number == 1 else "resumed", {})
        return number

    def record_spending(self, run: str, session: int, spending: Spending) -> None:
        """Keep what a stretch of a run has spent so far; safe on return."""
        row = schema.Session
        with self.writing() as connection:
            ours = update(row).where(row.run == run, row.number == session)
            connection.execute(ours.values(spending.model_dump()))

    def record_interim(self, run: str, key: str, measurements: Sequence[Measurement]) -> None:
        """Keep what the choice or a verdict has measured so far, until these hold it; safe after `flush`."""
        self._writer.write((run, key), rows.measured("interim", {"run": run, "key": key}, measurements))

    def interim(self, run: str) -> Mapping[str, Sequence[Measurement]]:
        """Return what is kept so, by key."""
        with self.reading() as connection:
            return interim.read(connection, run)

    def finish(
        self,
        run: str,
        state: str,
        report: Mapping[str, Any],
        *,
        why: str = "",
        selection: Mapping[int, Sequence[Measurement]] | None = None,
        verdicts: Sequence[Held] = (),
    ) -> None:
        """Close a run with its report and all that this rests on, at once, and let go of it.

        Args:
            state: that it is left in, and an event of this name.
            why: it ended, for the event.
            selection: what finalists and baseline did on the select split, by number of trial.
            verdicts: that it ends with, and that are not kept yet.
        """
        values = {"state": state, "report": dict(report), "ended": time.time(), "driver": None}
        with self.writing() as connection:
            for number, measurements in (selection or {}).items():
                execute(connection, rows.measured("selection", {"run": run, "number": number}, measurements))
            keep(connection, run, *verdicts)
            interim.settle(connection, run)
            _keep_event(connection, run, state, {"why": why} if why else {})
            connection.execute(update(schema.Run).where(schema.Run.id == run).values(values))
        self._driven.discard(run)

    def fail(self, run: str, why: str) -> None:
        """Let go of a run that an error has ended; it can be gone on with once that is mended."""
        with self.writing() as connection:
            jobs.tell_run(connection, run, jobs.FAILED, why)
        self._driven.discard(run)

    def record_verdict(self, run: str | None, *verdicts: Held) -> None:
        """Keep verdicts with their pairs; a trial of the run that led to a better candidate becomes CONFIRMED."""
        with self.writing() as connection:
            keep(connection, run, *verdicts)
            if run is not None:
                interim.settle(connection, run)

    def verdicts(self, run: str) -> Sequence[Held]:
        """Return the verdicts on candidates of a run, in the order in which they were kept."""
        with self.reading() as connection:
            return held(connection, run)

    def not_better(self, candidate: str, against: str, pairs: Sequence[Pair]) -> int:
        """Count the verdicts that looked whether something is better than a reference, and did not find it so."""
        with self.reading() as connection:
            return not_better(connection, candidate, against, pairs)

    def opened(self, run: str) -> int:
        """Count the other runs that have judged a winner on instances of the holdout split of this one."""
        with self.reading() as connection:
            return opened(connection, run)

    def record_event(self, run: str, kind: str, facts: Mapping[str, Any]) -> None:
        """Keep that something happened to a run."""
        with self.writing() as connection:
            _keep_event(connection, run, kind, facts)

    def events(self, run: str) -> Sequence[Event]:
        """Return what happened to a run, in order."""
        with self.reading() as connection:
            found = _events().rows(connection, of=run)
        return tuple(Event(kind=kind, facts=facts, at=moment(at)) for kind, facts, at in found)

    def record_artefact(self, candidate: Candidate, kind: str, path: Path) -> None:
        """Keep that a candidate was exported."""
        with self.writing() as connection:
            execute(connection, rows.of_candidate(candidate))
            values = {"candidate": candidate.id, "kind": kind, "path": str(path), "at": time.time()}
            connection.execute(insert(schema.Artefact).values(values))

    def run(self, ref: str) -> RunRecord:
        """Return a run by its id or the beginning of it; raises UnknownId when that fits none or several."""
        with self.reading() as connection:
            _, run = find(connection, ref, "run")
            row = _run().mappings(connection, of=run)[0]
            return RunRecord(
                id=run,
                config=row["config"],
                suite=rows.suite(connection, run, row["warnings"]),
                environment=row["facts"],
                state=self.state_of(row["state"], row["driver"]),
                report=row["report"],
                started=moment(row["started"]),
                ended=moment(row["ended"]) if row["ended"] is not None else None,
            )

    def state_of(self, state: str, driven_by: Mapping[str, Any] | None) -> str:
        """Say how a run stands: one that has not ended, and that no living process drives, is "interrupted"."""
        stands = state != "running" or driver.lives(driven_by, elsewhere=self._shared)
        return state if stands else "interrupted"

    @property
    def _shared(self) -> bool:
        return self.url.get_backend_name() != "sqlite"

    def _driver(self) -> dict[str, Any]:
        return {**driver.this_process(), "store": self._token}

    def _release(self) -> None:
        if self._driven:
            row = schema.Run
            ours = update(row).where(row.id.in_(sorted(self._driven)), row.driver == self._driver())
            with clear_errors(self.url), self._begin() as connection:
                connection.execute(ours.values(driver=None))


def _guarded(engine: Engine, guard: Guard | None) -> Callable[[], AbstractContextManager[Connection]]:
    @contextmanager
    def begin() -> Iterator[Connection]:
        with engine.begin() as connection:
            if guard is not None:
                guard(connection)
            yield connection

    return begin


@prepared
def _run() -> Executable:
    run, environment = schema.Run, schema.Environment
    query = select(run.__table__, environment.facts).join(environment, environment.id == run.environment)
    return query.where(run.id == OF)


@prepared
def _events() -> Executable:
    row = schema.Event
    return select(row.kind, row.facts, row.at).where(row.run == OF).order_by(row.id)


def _keep_event(connection: Connection, run: str, kind: str, facts: Mapping[str, Any]) -> None:
    connection.execute(insert(schema.Event).values(run=run, kind=kind, facts=dict(facts), at=time.time()))
