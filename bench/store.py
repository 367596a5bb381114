"""Measure how long the store takes to answer when it is large."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, count, cycle
from pathlib import Path
from typing import Any

import click

from slotforge.bench._callers import bearer
from slotforge.bench._command import benchmark, say
from slotforge.bench._filled import FAMILY, SLOTS, Filler, Size, Values
from slotforge.bench._result import Result, Table, version_of
from slotforge.lineage import migrations, queries
from slotforge.lineage.best import best
from slotforge.lineage.reads.heuristics import Wanted, heuristics
from slotforge.lineage.store import SqlStore, open_store

GOAL_MS = {"sqlite": 300.0, "postgres": 100.0}
LARGEST = 0.1  # share of all trials that are of one run
BEFORE = "0004"  # the tables that are filled; what comes after is filled by its migration
FACTS = "filled.json"


class Sqlite:
    """Writes into a file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        for setting in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -200000"):
            connection.execute(f"PRAGMA {setting}")

    def put(self, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
        """Write rows."""
        marks = ", ".join("?" * len(columns))
        self.connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def run(self, statement: str) -> None:
        """Execute a statement."""
        self.connection.execute(statement)


class Postgres:
    """Copies into a server, without a look at foreign keys."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")

    def put(self, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
        """Write rows."""
        with self.connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def run(self, statement: str) -> None:
        """Execute a statement."""
        self.connection.execute(statement)


@benchmark
@click.option("--trials", default=1_000_000, show_default=True, type=click.IntRange(1_000), help="Of all runs.")
@click.option("--measurements", default=20_000_000, show_default=True, type=click.IntRange(1), help="Of all trials.")
@click.option("--runs", default=500, show_default=True, type=click.IntRange(2), help="One has a tenth of the trials.")
@click.option("--database", type=click.Choice(sorted(GOAL_MS)), default="sqlite", show_default=True)
@click.option("--repeat", default=100, show_default=True, type=click.IntRange(1), help="Calls of each query.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Fill here and leave it, or take what is there.  [default: a temporary folder]",
)
def command(trials: int, measurements: int, runs: int, database: str, repeat: int, folder: Path | None) -> Result:
    """Fill a store, and measure how long it takes to answer.

    The full size takes minutes and up to 10 GB of disk. The store is filled as an older version would have left it,
    and then migrated.
    """
    size = Size(runs=runs, trials=trials, largest=int(LARGEST * trials), measurements=measurements)
    with filled(database, size, folder) as (where, facts):
        rows, figures = _measure(where, facts, repeat)
    goal = GOAL_MS[database]
    missed = [name for name, found in figures.items() if found["p95_ms"] >= goal]
    return Result(
        benchmark="store" if database == "sqlite" else f"store-{database}",
        settings={
            "database": f"SQLite {sqlite3.sqlite_version}" if database == "sqlite" else facts["server"],
            "psycopg": version_of("psycopg"),
            "runs": runs,
            "trials": trials,
            "measurements": facts["measurements"],
            "repeat": repeat,
        },
        tables=(
            Table(
                title="Answers of a large store",
                columns=("query", "first ms", "p50 ms", "p95 ms", "CPU ms", "answers"),
                rows=tuple(rows),
                note=f"First: of a process. CPU: of this process, each call. Goal: p95 below {goal:g} ms, "
                + (f"missed by {'; '.join(missed)}." if missed else "which all reach."),
            ),
            Table(
                title="Making it",
                columns=("step", "seconds", "CPU seconds"),
                rows=tuple((step, *facts["seconds"][step]) for step in ("fill", "migrate")),
                note="CPU: of the process that fills; a server's own is not in it.",
            ),
        ),
        figures={"queries": figures, "missed": missed, "seconds": facts["seconds"], "bytes": facts["bytes"]},
    )


@contextmanager
def filled(database: str, size: Size, folder: Path | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Make a large store, or take the one that is in the folder; yields where it is and facts about it."""
    with tempfile.TemporaryDirectory(prefix="slotforge-store-") as temporary:
        place = (folder or Path(temporary)).absolute()
        place.mkdir(parents=True, exist_ok=True)
        with _database(database, place) as where:
            kept = place / FACTS
            if kept.exists():
                migrations.upgrade(where)
            else:
                kept.write_text(json.dumps(_fill(where, size)))
            facts = json.loads(kept.read_text())
            yield where, facts


@contextmanager
def _database(database: str, place: Path) -> Iterator[str]:
    if database == "sqlite":
        yield str(place / "store.db")
        return
    from slotforge.testing import postgres

    if missing := postgres.missing():
        raise click.ClickException(f"PostgreSQL cannot be measured: {missing}")
    place.chmod(0o755)
    with postgres.server(postgres.CARELESS, "shared_buffers=1GB", "max_wal_size=8GB", folder=place) as server:
        yield server.url


def _fill(where: str, size: Size) -> dict[str, Any]:
    """Fill the tables of an older version, and migrate them."""
    say(f"filling {size.trials:,} trials and {size.measurements:,} measurements")
    clock = _Clock()
    migrations.upgrade(where, BEFORE)
    with _sink(where) as sink:
        filler = Filler(sink=sink, size=size)
        for number, _ in enumerate(filler.fill(), 1):
            if number % 50 == 0:
                say(f"{number} of {size.runs} runs, {clock.wall:.0f} s")
    seconds = {"fill": clock.lap()}
    say("migrating")
    migrations.upgrade(where)
    with _sink(where) as sink:
        sink.run("ANALYZE")
    seconds["migrate"] = clock.lap()
    facts = {"runs": filler.runs, "deep": filler.deep, "some": filler.some, "seconds": seconds}
    with open_store(where) as store, store.reading() as connection:
        server = store.url.get_backend_name() != "sqlite"
        measured = connection.exec_driver_sql("SELECT count(*) FROM measurement").scalar()
        size_of = "SELECT pg_database_size(current_database())" if server else "SELECT 0"
        about = connection.exec_driver_sql("SELECT version()" if server else "SELECT 'SQLite'").scalar()
        held = connection.exec_driver_sql(size_of).scalar() or Path(where).stat().st_size
    return {**facts, "measurements": measured, "bytes": held, "server": " ".join(str(about).split()[:2])}


@contextmanager
def _sink(where: str) -> Iterator[Sqlite | Postgres]:
    if where.startswith("postgresql"):
        import psycopg

        with psycopg.connect(where, autocommit=True) as connection:
            yield Postgres(connection)
            for table in ("verdict", "verdict_family", "event"):
                ids = f"pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 1) FROM {table})"
                connection.execute(f"SELECT setval({ids})")
        return
    with closing(sqlite3.connect(where)) as connection:
        yield Sqlite(connection)
        connection.commit()
        connection.execute("PRAGMA journal_mode = WAL")


class _Clock:
    """Takes seconds and CPU seconds."""

    def __init__(self) -> None:
        self.began = self.last = time.perf_counter()
        self.cpu = time.process_time()

    @property
    def wall(self) -> float:
        return time.perf_counter() - self.began

    def lap(self) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        taken = (wall - self.last, cpu - self.cpu)
        self.last, self.cpu = wall, cpu
        return taken


def asked(store: SqlStore, facts: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Make the queries, each with the next of its arguments at every call."""
    deep, some, runs = cycle(facts["deep"]), cycle(facts["some"]), cycle(facts["runs"][1:])
    slots, families, numbers = cycle(SLOTS), cycle(sorted(set(FAMILY.values()))), count(1)
    largest, baseline = facts["runs"][0], _baseline()
    pages: list[str] = [facts["runs"][len(facts["runs"]) // 2]]
    return {
        "best of a domain": lambda: best(store, "sat"),
        "best with a slot": lambda: best(store, "sat", slot=next(slots)),
        "best of a family": lambda: best(store, "sat", family=next(families)),
        "best with a slot, of a family": lambda: best(store, "sat", slot=next(slots), family=next(families)),
        "best, 100 after one": lambda: best(store, "sat", limit=100, after=next(some)),
        "words, in every source": lambda: heuristics(store, Wanted(text="urgency")).items,
        "words, in few": lambda: heuristics(store, Wanted(text=f"number {next(numbers)} of")).items,
        "words, in few, of a family": lambda: (
            heuristics(store, Wanted(text=f"number {next(numbers)} of", family=next(families))).items
        ),
        "all runs": lambda: queries.runs(store),
        "50 runs after one": lambda: queries.runs(store, limit=50, after=pages[0]),
        "run": lambda: queries.show_run(store, next(runs)),
        "run of a tenth of all trials": lambda: queries.show_run(store, largest),
        "candidate": lambda: queries.show_candidate(store, next(some)),
        "baseline, with a trial of every run": lambda: queries.show_candidate(store, baseline),
        "lineage, 200 generations": lambda: queries.lineage(store, next(deep)),
        "names of domains, slots, families": lambda: (
            queries.domains(store),
            queries.slots(store, "sat"),
            queries.families(store),
        ),
    }


def _baseline() -> str:
    from slotforge.core.types import Candidate

    return Candidate(domain="sat").id


def pages(store: SqlStore, facts: dict[str, Any]) -> Iterator[tuple[str, Callable[[], str]]]:
    """Ask for the pages of runs as a browser does, one kind after the other.

    Of a run that has ended the service remembers a part; so the largest is also shown as one that goes on.
    """
    from httpx import ASGITransport, AsyncClient

    from slotforge.service.api.app import make_app
    from slotforge.service.api.settings import Settings

    runs, largest = cycle(facts["runs"][1:]), facts["runs"][0]
    app = make_app(Settings(requests_per_s=1e6, burst=1_000_000), store)
    signed = {"Authorization": bearer(store, ("read",))}
    browser = AsyncClient(transport=ASGITransport(app=app), base_url="http://localhost", headers=signed)
    with asyncio.Runner() as runner:

        def html(run: str) -> str:
            return runner.run(browser.get(f"/runs/{run}")).raise_for_status().text

        yield "page of a run", lambda: html(next(runs))
        yield "page of the run of a tenth of all trials", lambda: html(largest)
        with _going_on(store, largest):
            yield "the same, while the run goes on", lambda: html(largest)
        runner.run(browser.aclose())


@contextmanager
def _going_on(store: SqlStore, run: str) -> Iterator[None]:
    """Drive a run that has ended, and leave it as it was."""
    before = store.run(run)
    ended = before.ended.timestamp() if before.ended else "NULL"
    store.lock_run(run)
    try:
        yield
    finally:
        with store.writing() as connection:
            values = f"state = '{before.state}', ended = {ended}, driver = NULL"
            connection.exec_driver_sql(f"UPDATE run SET {values} WHERE id = '{run}'")


def _measure(where: str, facts: dict[str, Any], repeat: int) -> tuple[list[Values], dict[str, Any]]:
    rows, figures = [], {}
    with open_store(where) as store:
        for name, ask in chain(asked(store, facts).items(), pages(store, facts)):
            times, cpu = [], time.process_time()
            for _ in range(repeat):
                began = time.perf_counter()
                answer = ask()
                times.append(1000 * (time.perf_counter() - began))
            cpu_ms = 1000 * (time.process_time() - cpu) / repeat
            first, *rest = times
            warm = sorted(rest or times)
            p50, p95 = (warm[min(len(warm) - 1, int(share * len(warm)))] for share in (0.5, 0.95))
            rows.append((name, first, p50, p95, cpu_ms, len(answer) if isinstance(answer, tuple) else 1))
            figures[name] = {"first_ms": first, "p50_ms": p50, "p95_ms": p95, "cpu_ms": cpu_ms}
            say(f"{name}: first {first:.1f}, p50 {p50:.1f}, p95 {p95:.1f}, CPU {cpu_ms:.1f} ms")
    return rows, figures
