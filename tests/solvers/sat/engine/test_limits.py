"""Limits and signals end a search without an answer; the same seed gives the same search."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from .conftest import Solve, dimacs, pigeons, working

HARD = pigeons(12)


@pytest.mark.parametrize(
    ("flag", "value", "limit", "counter"),
    [("--conflict-limit", 500, "conflicts", "conflicts"), ("--tick-limit", 100_000, "ticks", "ticks")],
)
def test_a_limit_is_met_and_named(solve: Solve, flag: str, value: int, limit: str, counter: str) -> None:
    document = solve(HARD, flag, str(value), code=0).document
    assert (document["answer"], document["limit"]) == ("unknown", limit)
    assert value <= document[counter] < 1.2 * value


def test_the_time_limit_is_cpu_time(solve: Solve) -> None:
    document = solve(HARD, "--time-limit", "0.2", code=0).document
    assert document["limit"] == "time"
    assert 0.1 < document["solve_cpu_s"] + document["parse_cpu_s"] < 0.5


def test_an_easy_formula_is_answered_within_no_conflicts(solve: Solve) -> None:
    assert solve([[1, 2]], "--conflict-limit", "1").document["answer"] == "sat"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_ends_the_search_with_its_statistics(engine: Path, tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "hard.cnf"
    path.write_text(dimacs(HARD))
    process = subprocess.Popen([str(engine), str(path), "--json"], stdout=subprocess.PIPE, text=True)
    working(process)
    process.send_signal(number)
    out, _ = process.communicate(timeout=120)
    document = json.loads(out)
    assert process.returncode == 0
    assert (document["answer"], document["limit"]) == ("unknown", "interrupt")
    assert document["conflicts"] > 0


def test_the_same_seed_gives_the_same_search_and_another_seed_another(solve: Solve) -> None:
    def search(*arguments: str) -> dict[str, object]:
        document = solve(pigeons(7), *arguments).document
        return {key: value for key, value in document.items() if not key.endswith("_cpu_s")}

    assert search() == search() == search("--seed", "0")
    assert search("--seed", "1") == search("--seed", "1")
    assert len({search("--seed", str(seed))["ticks"] for seed in range(6)}) > 3
