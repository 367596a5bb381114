"""What the search costs and how busy it keeps its workers: the arithmetic, and small measurements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from slotforge.bench import loop
from slotforge.bench._result import Result
from slotforge.bench._utilisation import steady, utilisation
from slotforge.core.types import Trial
from slotforge.search import settings
from slotforge.search.tuned import TUNE
from slotforge.service.cli.bench import command


def test_utilisation_is_the_busy_share_of_all_workers_within_the_span() -> None:
    busy = [(0.0, 3.0), (1.0, 2.0), (2.5, 9.0)]
    assert utilisation(busy, (1.0, 5.0), 2) == pytest.approx((2 + 1 + 2.5) / 8)
    assert utilisation([(0.0, 9.0)] * 4, (1.0, 5.0), 4) == 1.0
    assert utilisation([(6.0, 9.0)], (1.0, 5.0), 1) == 0.0


def test_the_steady_state_begins_when_every_worker_could_have_ended_one_evaluation() -> None:
    assert steady([(0, 4.0), (0, 2.0), (0, 3.0), (0, 9.0)], asked_last=7.0, workers=3) == (4.0, 7.0)


def bench(tmp_path: Path, *options: str) -> Result:
    ended = CliRunner().invoke(command, ["loop", *options, "--out", str(tmp_path), "--json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return Result.model_validate(json.loads(ended.stdout))


def test_workers_are_busier_with_a_window_that_covers_model_and_queue(tmp_path: Path) -> None:
    """Two workers, and a model as slow as an evaluation: a window of one leaves each busy a quarter of the time."""
    quick = ("--utilisation", "--workers", "2", "--tasks", "6", "--model-s", "0.25", "--evaluation-s", "0.25")
    figures = bench(tmp_path, *quick, "--window", "1", "--window", "8").figures
    narrow, wide = figures["window 1"], figures["window 8"]
    assert narrow["utilisation"] < 0.35
    assert narrow["utilisation"] < wide["utilisation"] <= 1
    assert narrow["staleness"] == {"mean": 0, "max": 0, "bound": 1}
    assert wide["staleness"]["max"] == 7


def test_throughput_is_that_of_a_search_with_the_usual_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Trial] = []
    monkeypatch.setattr(loop._Watch, "told", lambda _self, trial, _archive: told.append(trial))
    assert loop.search(20, "one_plus_lambda", 0).cpu_s > 0
    assert sum(trial.operator == TUNE for trial in told) == 20 * settings.TUNE_SHARE
