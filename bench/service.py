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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from slotforge.bench._callers import bearer, signed_in
from slotforge.bench._command import benchmark, say
from slotforge.bench._filled import Size
from slotforge.bench._mixes import MIXES, PAGE, Plan
from slotforge.bench._mixes import plan as draw
from slotforge.bench._result import Cell, Result, Table
from slotforge.bench.store import GOAL_MS, LARGEST, filled
from slotforge.lineage.keys import SCOPES
from slotforge.lineage.store import open_store

if TYPE_CHECKING:
    import httpx

GOAL_P99_MS = 250.0
CONNECTIONS = 64
TICK = os.sysconf("SC_CLK_TCK")
WAIT_S = 600.0
SEARCH = {"domain": "tsp", "instances": ["tsp50"], "model": "offline", "workers": 1, "budget": {"evals": 100_000}}


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
@click.option("--mix", type=click.Choice(sorted(MIXES)), default="people", show_default=True, help="What is asked.")
@click.option("--callers", default=10, show_default=True, type=click.IntRange(1), help="Keys that ask in turn.")
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
    mix: str,
    callers: int,
    seed: int,
    folder: Path | None,
) -> Result:
    """Serve a large store, start a search, open event streams, and send requests at a steady rate.

    Callers have a named key each, with the scope to read and the usual limits, and are signed in at the pages. A
    request is timed from when it was due. The generator of load is a process of its own on the same machine, and the
    search runs beside it. What is answered in the first seconds, by a service that has just started and has read
    nothing of its store yet, is told apart.
    """
    import httpx

    size = Size(runs=runs, trials=trials, largest=int(LARGEST * trials), measurements=measurements)
    with filled(database, size, folder) as (where, facts):
        with open_store(where) as store:
            owner, *readers = bearer(store, SCOPES), *(bearer(store, ("read",)) for _ in range(callers))
        with (
            _served(where) as (process, url),
            httpx.Client(base_url=url, headers={"Authorization": owner}, timeout=WAIT_S) as client,
        ):
            run = _start_search(client)
            first, count = int(rate * warm_up), int(rate * (warm_up + seconds))
            plan = draw(mix, facts, count, random.Random(seed), partial(_get, client))
            order = _order(url, plan, rate, [f"/v1/runs/{run}/events?since=now"] * streams, readers)
            before, remembered = _cpu_s(process.pid), _remembered(client)
            found = _load(order)
            cpu_s = _cpu_s(process.pid) - before
            found["remembered"] = {how: of - remembered.get(how, 0.0) for how, of in _remembered(client).items()}
            trials_made = _get(client, f"/v1/runs/{run}")["usage"]["calls"]
            _cancel_all(client)
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
            "mix": mix,
            "callers": callers,
            "seed": seed,
        },
        trials_made,
    )


def _result(
    found: Mapping[str, Any],
    plan: Plan,
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
    weights = MIXES[settings["mix"]]
    rows: list[tuple[Cell, ...]] = [
        (kind, weight, *_figures(by_kind[kind])) for kind, weight in weights.items() if by_kind[kind]
    ]
    pages = [ms for kind, of in by_kind.items() if kind.startswith(PAGE) for ms in of]
    if pages:
        rows.append(
            ("all pages", sum(weight for kind, weight in weights.items() if kind.startswith(PAGE)), *_figures(pages))
        )
    rows.append(("all", sum(weights.values()), *_figures(everything)))
    if early:
        rows.append((f"the first {settings['warm_up']:g} s before", None, *_figures(early)))
    answers = len(found["taken"])
    facts = {
        "requests, with those before": answers,
        "not answered 200": sum(bad.values()),
        "CPU ms of the server for each": 1000 * cpu_s / answers,
        "CPU ms of the generator for each": 1000 * found["cpu_s"] / answers,
        "different requests": len(set(plan)),
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
        benchmark=_name(settings),
        settings=settings,
        tables=(
            Table(
                title="Answers under load",
                columns=("request", "weight", "requests", "p50 ms", "p95 ms", "p99 ms"),
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


def _name(settings: Mapping[str, Any]) -> str:
    usual = ("people", "sqlite")
    return "-".join(("service", *(name for name in (settings["mix"], settings["database"]) if name not in usual)))


def _remembered(client: httpx.Client) -> dict[str, float]:
    """Return how many requests the service has answered from memory so far, by how those answers were known to hold."""
    text = client.get("/metrics").text
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


def _start_search(client: httpx.Client) -> str:
    """Start a search, and wait until it has made a trial."""
    _cancel_all(client)  # what a measurement that was broken off has left would be gone on with first
    answer = client.post("/v1/runs", json=SEARCH)
    if answer.status_code != 201:
        raise click.ClickException(f"the search does not start: {answer.text}")
    run: str = answer.json()["id"]
    end = time.monotonic() + WAIT_S
    while _get(client, f"/v1/runs/{run}/trials")["items"] == []:
        if time.monotonic() > end:
            raise click.ClickException("the search makes no trials")
        time.sleep(0.2)
    return run


def _cancel_all(client: httpx.Client) -> None:
    for state in ("running", "queued", "paused"):
        for job in _get(client, f"/v1/jobs?state={state}&limit=200")["items"]:
            client.post(f"/v1/runs/{job['id']}/cancel")


def _get(client: httpx.Client, path: str) -> Any:
    return client.get(path).raise_for_status().json()


def _order(url: str, plan: Plan, rate: float, streams: Sequence[str], readers: Sequence[str]) -> dict[str, Any]:
    """Say what is asked, and by whom: readers take turns, at pages with their cookies, else with their keys."""
    many, place = len(readers), urlsplit(url)
    keys, cookies = (f"Authorization: {one}" for one in readers), (f"Cookie: {one}" for one in signed_in(url, readers))
    return {
        "host": place.hostname,
        "port": place.port,
        "plan": [(path, number % many + many * kind.startswith(PAGE)) for number, (kind, path) in enumerate(plan)],
        "heads": [*keys, *cookies],
        "rate": rate,
        "connections": CONNECTIONS,
        "streams": [(path, number % many) for number, path in enumerate(streams)],
    }


def _load(order: Mapping[str, Any]) -> dict[str, Any]:
    say(f"{len(order['plan']):,} requests at {order['rate']:g} a second, {len(order['streams'])} streams")
    done = subprocess.run(
        [sys.executable, "-m", "slotforge.bench._load"],
        input=json.dumps(order) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _cpu_s(process: int) -> float:
    """Return CPU seconds of a process, without those of its children."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
