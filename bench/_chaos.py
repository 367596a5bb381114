"""Servers, their jobs, and whatever may be killed of them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from slotforge.core.errors import StoreError
from slotforge.core.types import RunConfig
from slotforge.lineage import servers
from slotforge.lineage.jobs import ENDED
from slotforge.lineage.store import SqlStore
from slotforge.search.discover import Discovery
from slotforge.service.api.configuration import PREFIX
from slotforge.service.jobs.queue import JobRecord, Queue
from slotforge.testing.outcome import outcome
from slotforge.testing.postgres import Postgres
from slotforge.testing.processes import children, command

Answer = TypeVar("Answer")
SERVE = (sys.executable, "-c", "from slotforge.service.cli import main; main()", "serve")
RUNNER = "slotforge.service.jobs.runner"
POLL_S = 0.1
FAULTS: Mapping[str, int] = {"server": 6, "runner": 5, "worker": 4, "frozen runner": 2, "database": 3}  # how often


@dataclass(kw_only=True)
class Chaos:
    """Jobs on several servers and one database, of which something is killed every few seconds: first each kind once.

    references: runs without faults; the answers of their models are what the jobs replay.
    count: of servers.
    cpus: of each.
    every_s: between two faults, on average.
    faults: how many of each kind there were; takeovers: seconds that jobs were without a server after each kill.
    """

    database: Postgres
    store: SqlStore
    references: Sequence[tuple[str, RunConfig]]
    rng: random.Random
    count: int = 3
    cpus: int = 2
    lease_s: float = 10.0
    every_s: float = 4.0
    faults: Counter[str] = field(default_factory=Counter)
    takeovers: list[float] = field(default_factory=list)
    _alive: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _frozen: list[int] = field(default_factory=list)
    _lost: dict[str, tuple[str | None, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.queue = Queue(self.store, self.lease_s)

    def round(self, number: int, until: float) -> list[JobRecord]:
        """Submit a job for each reference and wait until all have ended, with faults until a moment and those owed."""
        owner = f"round {number}"
        for run, config in self.references:
            self._submit(config.model_copy(update={"model": f"replay:{run}"}), owner)
        next_fault = time.monotonic() + self._pause()
        while not all(job.state in ENDED for job in self._jobs(owner)):
            self._fill_up()
            self._see_takeovers(owner)
            now = time.monotonic()
            if next_fault < now and (now < until or self.owed()):
                self._strike(owner)
                next_fault = time.monotonic() + self._pause()
            time.sleep(POLL_S)
        return sorted(self._jobs(owner), key=lambda job: str(job.config))

    def owed(self) -> dict[str, int]:
        """Return the kinds of faults that there have been none of, and how often each is drawn."""
        return {kind: often for kind, often in FAULTS.items() if not self.faults[kind]}

    def close(self) -> None:
        """Stop the servers, and kill what was frozen and has lost its server since."""
        for server in self._alive:
            server.terminate()
        for server in self._alive:
            server.wait()
        for process in self._frozen:
            if RUNNER in command(process):
                os.kill(process, signal.SIGKILL)

    def _submit(self, config: RunConfig, owner: str) -> None:
        """Submit a job once, though the database may be killed while it is told to."""
        while not any(job.config == config for job in self._jobs(owner)):
            with suppress(StoreError):
                self.queue.submit(config, owner=owner)

    def _jobs(self, owner: str) -> Sequence[JobRecord]:
        return steadily(lambda: self.queue.jobs(owner=owner, limit=200))

    def _pause(self) -> float:
        return self.rng.uniform(0.5, 1.5) * self.every_s

    def _fill_up(self) -> None:
        self._alive = [server for server in self._alive if server.poll() is None]
        while len(self._alive) < self.count:
            where = self.store.url.render_as_string(hide_password=False)
            settings = {"STORE": where, "PORT": "0", "CPUS": str(self.cpus), "LEASE_S": str(self.lease_s)}
            environment = {**os.environ, **{f"{PREFIX}{name}": value for name, value in settings.items()}}
            nowhere = subprocess.DEVNULL
            self._alive.append(subprocess.Popen(SERVE, env=environment, stdout=nowhere, stderr=nowhere))

    def _strike(self, owner: str) -> None:
        """Do something bad; where there is nothing of the kind that is drawn, a later draw will do."""
        drawn = self.owed() or FAULTS
        kind = self.rng.choices([*drawn], [*drawn.values()])[0]
        runners = self._runners()
        victims = {
            "server": [server.pid for server in self._alive],
            "runner": runners,
            "frozen runner": runners,
            "worker": [worker for runner in runners for pool in children(runner) for worker in children(pool)],
            "database": [0],
        }[kind]
        if not victims:
            return
        self.faults[kind] += 1
        victim = self.rng.choice(victims)
        if kind == "database":
            self.database.kill()
            time.sleep(self.rng.uniform(0, 2))
            self.database.start()
            return
        if kind == "server":
            self._expect_takeovers(owner, victim)
        if kind == "frozen runner":
            self._frozen.append(victim)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGSTOP if kind == "frozen runner" else signal.SIGKILL)

    def _runners(self) -> list[int]:
        found = (process for server in self._alive for process in children(server.pid))
        return [process for process in found if RUNNER in command(process)]

    def _expect_takeovers(self, owner: str, server: int) -> None:
        """Remember which jobs lose their server when it is killed, and when."""
        known = steadily(lambda: servers.servers(self.store))
        ids = {one.id for one in known if one.facts["process"]["pid"] == server}
        held = (job for job in self._jobs(owner) if job.holder in ids)
        self._lost |= {job.id: (job.holder, time.monotonic()) for job in held}

    def _see_takeovers(self, owner: str) -> None:
        """Note how long jobs were without a server."""
        for job in self._jobs(owner) if self._lost else ():
            holder, since = self._lost.get(job.id, (job.holder, 0.0))
            if job.holder not in (None, holder):
                self.takeovers.append(time.monotonic() - since)
            if job.holder not in (None, holder) or job.state in ENDED:
                self._lost.pop(job.id, None)


def steadily(ask: Callable[[], Answer]) -> Answer:
    """Ask the database until it answers."""
    while True:
        try:
            return ask()
        except StoreError:
            time.sleep(POLL_S)


def reference(store: SqlStore, config: RunConfig) -> str:
    """Search without faults, and return the run."""
    return Discovery(config=config, store=store).run().run


def differences(store: SqlStore, run: str, reference: str) -> list[str]:
    """Say in what a run differs from its reference: trials, exchanges, or what it ends with."""
    found = []
    own, other = (outcome(store.trials(one)) for one in (run, reference))
    if own.keys() != other.keys():
        found.append(f"trials {sorted(own.keys() ^ other.keys())} are in one of them alone")
    found += [f"trial {n}: {own[n]} instead of {other[n]}" for n in own.keys() & other.keys() if own[n] != other[n]]
    talks = [
        {n: [(c.stage, c.prompt.id, c.completion.text) for c in calls] for n, calls in store.all_calls(one).items()}
        for one in (run, reference)
    ]
    if talks[0] != talks[1]:
        found.append("exchanges differ")
    reports = [store.run(one).report or {} for one in (run, reference)]
    if reports[0].get("best") != reports[1].get("best"):
        found.append(f"the best is {reports[0].get('best')} instead of {reports[1].get('best')}")
    return found
