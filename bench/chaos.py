"""Kill servers, workers and the database of the service at random for minutes, and see that no search suffers."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from slotforge.bench._chaos import Chaos, differences, reference, steadily
from slotforge.bench._command import benchmark, say
from slotforge.bench._result import Cell, Result, Table
from slotforge.core.errors import UsageError
from slotforge.core.types import Budget, RunConfig
from slotforge.lineage.store import open_store
from slotforge.service.jobs.queue import JobRecord
from slotforge.testing import drowsy, postgres
from slotforge.testing.sleepy import Length

SEARCHES = {
    "sat": RunConfig(domain="sat", instances=("sgen:15", "miter:4"), workers=1, options={"per_family": 12}),
    "landscape": RunConfig(
        domain=drowsy.NAME,
        instances=(Length(seconds=0.05, spread=0.5).spec,),
        workers=1,
        options={"per_family": 15},
    ),
}


@benchmark
@click.option("--seconds", default=600.0, show_default=True, type=click.FloatRange(1), help="With faults, about.")
@click.option("--servers", default=3, show_default=True, type=click.IntRange(1))
@click.option("--runs", default=4, show_default=True, type=click.IntRange(1), help="At the same time.")
@click.option("--every", default=4.0, show_default=True, type=click.FloatRange(0.1), help="Seconds between faults.")
@click.option("--lease", default=10.0, show_default=True, type=click.FloatRange(1), help="Seconds of a lease.")
@click.option("--evals", default=24, show_default=True, type=click.IntRange(1), help="Proposals of each run.")
@click.option(
    "--domain",
    type=click.Choice(sorted(SEARCHES)),
    default="sat",
    show_default=True,
    help="SAT, or a landscape whose evaluations sleep and need no CPU.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
def command(
    seconds: float,
    servers: int,
    runs: int,
    every: float,
    lease: float,
    evals: int,
    domain: str,
    seed: int,
) -> Result:
    """Search on several servers and one PostgreSQL while something is killed every few seconds, with kill -9.

    Servers, processes that drive a search, workers, and the database with all its processes are killed, and processes
    are frozen, each kind at least once. First each search is made once without faults; then it is made again and
    again, with the same answers, until the time is over. Every search must end, with the same trials and exchanges,
    none lost and none doubled.
    """
    search = SEARCHES[domain].model_copy(update={"budget": Budget(evals=evals)})
    configs = [search.model_copy(update={"seed": seed + number}) for number in range(runs)]
    settings = {"seconds": seconds, "servers": servers, "every": every, "lease": lease, "seed": seed}
    result = measure(configs, seconds=seconds, servers=servers, every=every, lease=lease, seed=seed)
    return result.model_copy(update={"settings": settings | {"runs": runs, "evals": evals, "domain": domain}})


def measure(
    configs: Sequence[RunConfig], *, seconds: float, servers: int, every: float, lease: float, seed: int
) -> Result:
    """Make the searches of some settings without faults, and then again and again with some, in a home of their own."""
    if missing := postgres.missing():
        raise UsageError(f"there is no PostgreSQL to kill: {missing}")
    rows: list[tuple[Cell, ...]] = []
    errors: list[str] = []
    with _own_home(), postgres.server() as database, open_store(database.url) as store:
        say(f"{len(configs)} searches without faults")
        references = [(reference(store, config), config) for config in configs]
        chaos = Chaos(
            database=database,
            store=store,
            references=references,
            rng=random.Random(seed),
            count=servers,
            lease_s=lease,
            every_s=every,
        )
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < seconds or chaos.owed():
                jobs = chaos.round(len(rows) // len(configs), begin + seconds)
                for job in jobs:
                    row, wrong = _judged(chaos, job)
                    rows.append((len(rows) // len(configs), *row))
                    errors += wrong
                say(f"{time.monotonic() - begin:.0f} s: {len(rows)} searches have ended, {len(errors)} errors")
        finally:
            chaos.close()
    return report(chaos, rows, errors, time.monotonic() - begin)


def _judged(chaos: Chaos, job: JobRecord) -> tuple[tuple[str, str, int, int], list[str]]:
    """Hold a job that has ended against its reference."""
    assert isinstance(job.config, RunConfig)
    run = job.config.model.removeprefix("replay:")
    events = steadily(lambda: chaos.store.events(job.id))
    trials = steadily(lambda: chaos.store.trials(job.id))
    stretches = sum(event.kind in ("started", "resumed") for event in events)
    wrong = [] if job.state == "finished" else [f"it is {job.state}: {job.why}"]
    wrong += steadily(lambda: differences(chaos.store, job.id, run)) if job.state == "finished" else []
    return (job.id, job.state, stretches, len(trials)), [f"{job.id}, as {run}: {what}" for what in wrong]


def report(chaos: Chaos, rows: Sequence[tuple[Cell, ...]], errors: Sequence[str], took_s: float) -> Result:
    """Write down what was done to the searches, and what became of them."""
    waits = sorted(chaos.takeovers)
    takeovers = Table(
        title="Until another server had a job whose server was killed",
        columns=("jobs", "median s", "longest s"),
        rows=((len(waits), round(waits[len(waits) // 2], 1), round(waits[-1], 1)),) if waits else (),
    )
    faults = Table(title="Faults", columns=("what", "times"), rows=tuple(sorted(chaos.faults.items())))
    searches = Table(
        title="Searches",
        columns=("round", "run", "ended", "stretches", "trials"),
        rows=tuple(rows),
        note="A stretch is from a start or a take-over to the next one. All trials and exchanges are as they are "
        "without faults, unless errors stand above.",
    )
    return Result(
        benchmark="chaos",
        settings={},
        tables=(faults, takeovers, searches),
        figures={
            "seconds": round(took_s, 1),
            "faults": dict(chaos.faults),
            "searches": len(rows),
            "takeovers_s": [round(wait, 2) for wait in chaos.takeovers],
        },
        errors=tuple(errors),
    )


@contextmanager
def _own_home() -> Iterator[None]:
    """Keep all that is made out of the user's own folder."""
    before = os.environ.get("SLOTFORGE_HOME")
    with tempfile.TemporaryDirectory(prefix="slotforge-chaos-", ignore_cleanup_errors=True) as folder:
        os.environ["SLOTFORGE_HOME"] = str(Path(folder))
        try:
            yield
        finally:
            if before is None:
                del os.environ["SLOTFORGE_HOME"]
            else:
                os.environ["SLOTFORGE_HOME"] = before
