"""kill -9 at random moments of a seeded search over real solver runs, with resume after each, changes nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slotforge.lineage.queries import runs
from slotforge.lineage.store import open_store

SEARCH = ("discover", "sat", "--instances", "sgen:15,miter:4", "--per-family", "12", "--evals", "24", "--seed", "5")
KILLS = 20


def start(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "SLOTFORGE_HOME": str(home)}
    command = [sys.executable, "-c", "from slotforge.service.cli import main; main()", *arguments, "--json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def archive(home: Path, run: str) -> dict[int, tuple[object, ...]]:
    """Take the trials as the search left them: whether a verdict confirms one depends on CPU seconds too."""
    with open_store(home / "slotforge.db") as store:
        return {
            n: (
                t.candidate and t.candidate.id,
                "scored" if t.scored else t.state,
                t.ratio,
                t.reason,
                t.parents,
                t.instances,
            )
            for n, t in sorted(store.trials(run).items())
        }


@pytest.mark.parametrize("kills", [5, pytest.param(KILLS, marks=pytest.mark.slow)])
def test_kills_do_not_change_the_archive_of_a_search(kills: int, tmp_path: Path) -> None:
    whole = json.loads(start(tmp_path / "whole", *SEARCH).communicate()[0])
    home, rng, run = tmp_path / "killed", random.Random(0), ""
    hit = 0
    for _ in range(kills):
        job = start(home, *(("resume", run) if run else SEARCH))
        time.sleep(rng.uniform(1.0, 6.0))
        hit += job.poll() is None
        job.kill()
        job.communicate()
        if (home / "slotforge.db").exists():
            with open_store(home / "slotforge.db") as store:
                run = run or next((found.id for found in runs(store)), "")
    assert hit >= 3, "nearly all kills came after the end: make the search longer"
    ended = json.loads(start(home, *(("resume", run) if run else SEARCH)).communicate()[0])
    assert ended["state"] == whole["state"] == "finished"
    assert archive(home, ended["run"]) == archive(tmp_path / "whole", whole["run"])
    assert ended["best"] == whole["best"]
    assert {k: ended["holdout"][k] for k in ("ratio", "low", "high", "p")} == {
        k: whole["holdout"][k] for k in ("ratio", "low", "high", "p")
    }
