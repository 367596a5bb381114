"""kill -9 at random moments of a seeded search over real solver runs, with resume after each, changes nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from slotforge.lineage import queries
from slotforge.lineage.store import open_store
from slotforge.search.numbering import ABLATION
from slotforge.search.verdict import verdict
from slotforge.testing.outcome import Outcome, outcome

SEARCH = ("discover", "sat", "--instances", "sgen:15,miter:4", "--per-family", "12", "--seed", "5", "--evals")
BETWEEN_S = 2.0  # a kill comes up to so long after some trial: between trials, within one, or in the verdict


def start(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "SLOTFORGE_HOME": str(home)}
    command = [sys.executable, "-c", "from slotforge.service.cli import main; main()", *arguments, "--json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def archive(home: Path, run: str) -> Outcome:
    with open_store(home / "slotforge.db") as store:
        return outcome(store.trials(run))


def by_cost(home: Path, run: str) -> list[tuple[float, float, float, float]]:
    """Judge the pairs of a run's verdicts anew by what they cost alone: CPU seconds differ from run to run."""
    with open_store(home / "slotforge.db") as store:
        judged = [verdict(one.pairs, by_cpu=False) for one in queries.show_run(store, run).confirmations]
    return [(one.ratio, one.low, one.high, one.p) for one in judged]


def progress(home: Path, pid: int) -> tuple[str, int]:
    """Return the run that a process drives, once it does, and how many of its trials are recorded."""
    where = f"file:{home}/slotforge.db?mode=ro"
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(where, uri=True)) as store:
        for run, driver in store.execute("SELECT id, driver FROM run"):
            if (json.loads(driver or "null") or {}).get("pid") == pid:
                return run, store.execute("SELECT count(*) FROM trial").fetchone()[0]
    return "", -1


def kill_after(job: subprocess.Popen[bytes], home: Path, trials: int, pause_s: float) -> str:
    """Kill a search some time after so many trials are recorded, and return its run; fails when it ended before."""
    while (found := progress(home, job.pid))[1] < trials and job.poll() is None:
        time.sleep(0.02)
    time.sleep(pause_s)
    job.kill()
    job.communicate()
    assert job.returncode == -signal.SIGKILL, "the search ended before it was killed: make it longer"
    return found[0]


@pytest.mark.parametrize(("kills", "evals"), [(5, "12"), pytest.param(20, "24", marks=pytest.mark.slow)])
def test_kills_do_not_change_the_archive_of_a_search(kills: int, evals: str, tmp_path: Path, builds: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "builds").symlink_to(builds)
    whole = json.loads(start(tmp_path / "whole", *SEARCH, evals).communicate()[0])
    expected = archive(tmp_path / "whole", whole["run"])
    home, rng, run = tmp_path / "killed", random.Random(0), ""
    (own := home / "builds").mkdir(parents=True)
    for solver in builds.glob("solver-*"):  # policies are compiled anew, so that kills come while they are
        shutil.copy2(solver, own)
    searched = sum(number > ABLATION for number in expected)  # after these the verdict may be near
    for trials in sorted(rng.randint(0, searched) for _ in range(kills)):
        job = start(home, *(("resume", run) if run else (*SEARCH, evals)))
        run = kill_after(job, home, trials, rng.uniform(0, BETWEEN_S))
    ended = json.loads(start(home, "resume", run).communicate()[0])
    assert ended["state"] == whole["state"] == "finished"
    assert archive(home, ended["run"]) == expected
    assert ended["best"] == whole["best"]
    assert by_cost(home, run) == by_cost(tmp_path / "whole", whole["run"]) != []
