"""Measure the service under load: mixed reads of a large store, while a search runs and many watch it."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from slotforge.bench._command import benchmark, say
from slotforge.bench._filled import FAMILY, SLOTS, Size
from slotforge.bench._result import Result, Table
from slotforge.bench.store import GOAL_MS, LARGEST, filled

GOAL_P99_MS = 250.0
CONNECTIONS = 64
TICK = os.sysconf("SC_CLK_TCK")
WAIT_S = 600.0
SEARCH = {"domain": "tsp", "instances": ["tsp50"], "model": "offline", "workers": 1, "budget": {"evals": 100_000}}
TURNS = 3  # pages of a list that are turned to
MIX = (
    ("list of runs", 9),
    ("further runs", 3),
    ("run", 18),
    ("trials of a run", 8),
    ("further trials of a run", 4),
    ("curve of a run", 10),
    ("best of a domain", 10),
    ("heuristics by slot", 5),
    ("heuristics by family", 5),
    ("candidate", 14),
    ("trials of a candidate", 5),
    ("lineage", 4),
    ("health", 5),
)


@benchmark
@click.option("--trials", default=1_000_000, show_default=True, type=click.IntRange(1_000), help="In the store.")
@click.option("--measurements", default=20_000_000, show_default=True, type=click.IntRange(1), help="In the store.")
@click.option("--runs", default=500, show_default=True, type=click.IntRange(2), help="In the store.")
@click.option("--database", type=click.Choice(sorted(GOAL_MS)), default="sqlite", show_default=True)
@click.option("--rate", default=500.0, show_default=True, type=click.FloatRange(1), help="Requests a second.")
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(1), help="How long.")
@click.option(
    "--warm-up", default=20.0, show_default=True, type=click.FloatRange(0), help="Seconds before, at the same rate."
)
@click.option("--streams", default=200, show_default=True, type=click.IntRange(0), help="Event streams of the search.")
@click.option("--seed", default=0, show_default=True, help="Of the order of requests.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A store that `bench store` has left, or is to be left, here.  [default: a temporary folder]",
)
def command(
    trials: int,
    measurements: int,
    runs: int,
    database: str,
    rate: float,
    seconds: float,
    warm_up: float,
    streams: int,
    seed: int,
    folder: Path | None,
) -> Result:
    """Serve a large store, start a search, open event streams, and send requests at a steady rate.

    A request is timed from when it was due. The generator of load is a process of its own on the same machine, and the
    search runs beside it. What is answered in the first seconds, by a service that has just started and has read
    nothing of its store yet, is told apart.
    """
    size = Size(runs=runs, trials=trials, largest=int(LARGEST * trials), measurements=measurements)
    with filled(database, size, folder) as (where, facts), _served(where) as (process, url):
        run = _start_search(url)
        first, count = int(rate * warm_up), int(rate * (warm_up + seconds))
        plan = _plan(facts, count, random.Random(seed), _cursors(url, facts["runs"]))
        paths = [f"/v1/runs/{run}/events?since=now"] * streams
        before, remembered = _cpu_s(process.pid), _remembered(url)
        found = _load(url, plan, rate, paths)
        cpu_s = _cpu_s(process.pid) - before
        found["remembered"] = {how: count - remembered.get(how, 0.0) for how, count in _remembered(url).items()}
        trials_made = _get(url, f"/v1/runs/{run}")["usage"]["calls"]
        _cancel_all(url)
    return _result(
        found,
        plan,
        first,
        cpu_s,
        {
            "database": database,
            "trials": trials,
            "measurements": measurements,
            "runs": runs,
            "rate": rate,
            "seconds": seconds,
            "warm_up": warm_up,
            "streams": streams,
            "connections": CONNECTIONS,
            "seed": seed,
        },
        trials_made,
    )


def _result(
    found: Mapping[str, Any],
    plan: Sequence[tuple[str, str]],
    first: int,
    cpu_s: float,
    settings: Mapping[str, Any],
    searched: int,
) -> Result:
    """Make the tables. first: place in the plan of the first request that counts."""
    by_kind: dict[str, list[float]] = defaultdict(list)
    early: list[float] = []
    bad: dict[str, int] = defaultdict(int)
    for place, seconds, status in found["taken"]:
        kind = plan[place][0]
        (early if place < first else by_kind[kind]).append(1000 * seconds)
        bad[kind] += status != 200
    everything = [ms for of in by_kind.values() for ms in of]
    rows = [(kind, *_figures(by_kind[kind])) for kind, _ in MIX if by_kind[kind]]
    rows.append(("all", *_figures(everything)))
    if early:
        rows.append((f"the first {settings['warm_up']:g} s before", *_figures(early)))
    answers = len(found["taken"])
    facts = {
        "requests, with those before": answers,
        "not answered 200": sum(bad.values()),
        "CPU ms of the server for each": 1000 * cpu_s / answers,
        "CPU ms of the generator for each": 1000 * found["cpu_s"] / answers,
        "different requests": found["different"],
        "share answered again within a second": found["remembered"].get("recent", 0.0) / answers,
        "share answered again, for nothing has changed": found["remembered"].get("unchanged", 0.0) / answers,
        "requests that found no free connection, but for those before": sum(place >= first for place in found["late"]),
        "seconds until all event streams were open": found["opening_s"],
        "event streams open at the end": found["streams"],
        "events streamed": found["events"],
        "exchanges of the search meanwhile": searched,
    }
    errors = [f"{bad[kind]} answers to '{kind}' were no 200" for kind in bad if bad[kind]]
    if found["streams"] < settings["streams"]:
        errors.append(f"only {found['streams']} of {settings['streams']} event streams stayed open")
    return Result(
        benchmark="service" if settings["database"] == "sqlite" else f"service-{settings['database']}",
        settings=settings,
        tables=(
            Table(
                title="Answers under load",
                columns=("request", "requests", "p50 ms", "p95 ms", "p99 ms"),
                rows=tuple(rows),
                note=f"From the moment at which a request was due. Goal: p99 of all below {GOAL_P99_MS:g} ms.",
            ),
            Table(title="What it took", columns=("", "figure"), rows=tuple(facts.items())),
        ),
        figures={**facts, "p99_ms": _figures(everything)[3], "cores_load": os.getloadavg()[0]},
        errors=tuple(errors),
    )


def _figures(times: Sequence[float]) -> tuple[int, float, float, float]:
    ordered = sorted(times)
    p50, p95, p99 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 0.99))
    return len(ordered), p50, p95, p99


def _plan(
    facts: Mapping[str, Any], count: int, rng: random.Random, further: Mapping[str, Sequence[str]]
) -> list[tuple[str, str]]:
    """Draw so many requests of the mix. further: paths of the pages after the first, by kind of request."""
    runs, some, deep = facts["runs"], facts["some"], list(facts["deep"])
    families = sorted(set(FAMILY.values()))
    paths: dict[str, Callable[[], str]] = {
        "list of runs": lambda: "/v1/runs?limit=50",
        "further runs": lambda: rng.choice(further["further runs"]),
        "run": lambda: f"/v1/runs/{rng.choice(runs)}",
        "trials of a run": lambda: f"/v1/runs/{rng.choice(runs)}/trials?limit=50",
        "further trials of a run": lambda: rng.choice(further["further trials of a run"]),
        "curve of a run": lambda: f"/v1/runs/{rng.choice(runs)}/curve",
        "best of a domain": lambda: f"/v1/heuristics?domain={rng.choice(('sat', 'optim'))}&limit=20",
        "heuristics by slot": lambda: f"/v1/heuristics?domain=sat&slot={rng.choice(SLOTS)}&limit=20",
        "heuristics by family": lambda: f"/v1/heuristics?family={rng.choice(families)}&limit=20",
        "candidate": lambda: f"/v1/candidates/{rng.choice(some)}",
        "trials of a candidate": lambda: f"/v1/candidates/{rng.choice(some)}/trials",
        "lineage": lambda: f"/v1/candidates/{rng.choice(deep)}/lineage",
        "health": lambda: "/health",
    }
    kinds = rng.choices([kind for kind, _ in MIX], [weight for _, weight in MIX], k=count)
    return [(kind, paths[kind]()) for kind in kinds]


def _cursors(url: str, runs: Sequence[str]) -> dict[str, list[str]]:
    """Turn the pages of the list of runs, and of the trials of every tenth run, and return the paths of those pages."""
    lists = {
        "further runs": ["/v1/runs?limit=50"],
        "further trials of a run": [f"/v1/runs/{run}/trials?limit=50" for run in runs[::10]],
    }
    found = {kind: [path for first in of for path in _turned(url, first)] for kind, of in lists.items()}
    return {kind: paths or lists[kind] for kind, paths in found.items()}  # short lists have one page


def _turned(url: str, first: str) -> Iterator[str]:
    path = first
    for _ in range(TURNS):
        if (cursor := _get(url, path)["next"]) is None:
            return
        yield (path := f"{first}&cursor={cursor}")


def _remembered(url: str) -> dict[str, float]:
    """Return how many requests the service has answered from memory so far, by how those answers were known to hold."""
    import httpx

    text = httpx.get(f"{url}/metrics", timeout=WAIT_S).text
    return {
        how: float(count) for how, count in re.findall(r'^slotforge_remembered_total\{how="(\w+)"\} (\S+)', text, re.M)
    }


@contextmanager
def _served(where: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve a store in a process of its own; yields it and its URL."""
    words = [str(Path(sys.executable).with_name("slotforge")), "serve", "--port", "0", "--cpus", "1", "--store", where]
    with (
        tempfile.TemporaryFile("w") as log,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if " on http" not in line:
                raise click.ClickException(f"the service does not start: {line.strip()}")
            yield process, line.rpartition(" on ")[2].split()[0]
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _start_search(url: str) -> str:
    """Start a search, and wait until it has made a trial."""
    import httpx

    _cancel_all(url)  # what a measurement that was broken off has left would be gone on with first
    answer = httpx.post(f"{url}/v1/runs", json=SEARCH, timeout=WAIT_S)
    if answer.status_code != 201:
        raise click.ClickException(f"the search does not start: {answer.text}")
    run: str = answer.json()["id"]
    end = time.monotonic() + WAIT_S
    while _get(url, f"/v1/runs/{run}/trials")["items"] == []:
        if time.monotonic() > end:
            raise click.ClickException("the search makes no trials")
        time.sleep(0.2)
    return run


def _cancel_all(url: str) -> None:
    import httpx

    for state in ("running", "queued", "paused"):
        for job in _get(url, f"/v1/jobs?state={state}&limit=200")["items"]:
            httpx.post(f"{url}/v1/runs/{job['id']}/cancel", timeout=WAIT_S)


def _get(url: str, path: str) -> Any:
    import httpx

    return httpx.get(url + path, timeout=WAIT_S).json()


def _load(url: str, plan: Sequence[tuple[str, str]], rate: float, streams: Sequence[str]) -> dict[str, Any]:
    say(f"{len(plan):,} requests at {rate:g} a second, {len(streams)} streams")
    place = urlsplit(url)
    order = {
        "host": place.hostname,
        "port": place.port,
        "plan": [path for _, path in plan],
        "rate": rate,
        "connections": CONNECTIONS,
        "streams": streams,
    }
    done = subprocess.run(
        [sys.executable, "-m", "slotforge.bench._load"],
        input=json.dumps(order) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "different": len(set(plan))}


def _cpu_s(process: int) -> float:
    """Return CPU seconds of a process, without those of its children."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
