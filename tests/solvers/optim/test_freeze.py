"""What is frozen of a case: who goes to the second round, what is kept, and that what is kept can be had again."""

from __future__ import annotations

import json
import math
import multiprocessing
import statistics
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from slotforge.core import registry
from slotforge.solvers.optim import case, freeze


def test_a_contender_is_cut_at_twice_the_calls_of_the_best_before_it() -> None:
    limits: dict[str, float] = {}

    def compete(ref: str, limit: float) -> list[float]:
        limits[ref] = limit
        calls = {"slow": 900.0, "good": 100.0, "near": 150.0, "far": 250.0}[ref]
        return [calls if calls <= limit else math.inf] * freeze.HEATS

    best, chosen = freeze.heats(["slow", "good", "near", "far"], 1000.0, compete)
    assert limits == {"slow": 1000.0, "good": 1000.0, "near": 200.0, "far": 200.0}
    assert (best, chosen) == (100.0, ["good", "near"])


def test_where_nobody_reaches_the_goal_the_first_contenders_have_another_try() -> None:
    best, chosen = freeze.heats(["a", "b", "c", "d"], 10.0, lambda *_: [math.inf] * freeze.HEATS)
    assert (best, chosen) == (math.inf, ["a", "b", "c"])


def test_every_case_of_every_split_is_frozen() -> None:
    kept = freeze.kept()
    for name in registry.names(case.PROBLEMS):
        cases = {case.key(knobs) for knobs in freeze.cases(case.family(name))}
        assert cases <= kept[name].keys(), name
        assert all(kept[name][one]["problems"] == freeze.PROBLEMS for one in cases), name


def test_a_case_is_kept_beside_those_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case, "TARGETS", tmp_path / "targets.json")
    freeze.keep("policy", "n=1", {"calls": 1})
    freeze.keep("policy", "n=2", {"calls": 2})
    freeze.keep("bilinear", "n=1", {"calls": 3})
    kept = json.loads(case.TARGETS.read_text())["cases"]
    assert list(kept) == ["bilinear", "policy"]
    assert kept["policy"] == {"n=1": {"calls": 1}, "n=2": {"calls": 2}}


def test_only_what_is_missing_is_frozen_where_that_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [case.key(knobs) for knobs in freeze.cases(case.family("bilinear"))]
    monkeypatch.setattr(case, "TARGETS", tmp_path / "targets.json")
    for key in settings:
        freeze.keep("bilinear", key, {"calls": 1})
    freeze.main(["bilinear", "--missing", "--workers", "1"])
    assert freeze.kept() == {"bilinear": {key: {"calls": 1} for key in settings}}


def test_what_is_kept_of_a_case_can_be_had_again() -> None:
    family = case.family("bilinear")
    knobs = next(freeze.cases(family))
    kept = case.frozen(family, knobs)
    drawn = freeze.problems("bilinear", knobs, kept.problems)
    again = [freeze._calls(kept.specialists[0], one, kept.goal, kept.budget) for one in drawn]
    assert statistics.median(again) == kept.calls


def test_what_was_measured_is_not_measured_again_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what comes out is the same: the case, whoever measured what of it."""
    knobs = next(freeze.cases(case.family("bilinear")))
    problem = freeze.problems("bilinear", knobs, 1)[0]
    asked: list[float] = []

    def measured(sources: object, problem: object, goal: float, limit: float) -> SimpleNamespace:  # noqa: ARG001
        asked.append(goal)
        return SimpleNamespace(broken=goal < 0.1, calls=[7.0, 9.0], least=0.25)

    monkeypatch.setattr(freeze, "_contest", measured)
    for _ in range(2):
        notes = freeze.Notes()
        notes.open(tmp_path / "notes")
        monkeypatch.setattr(freeze, "_notes", notes)
        assert freeze._came_to("sgd", problem, 0.2, 100.0) == (9.0, 0.25)
        assert freeze._came_to("sgd", problem, 0.01, 100.0) == (math.inf, 0.25)  # broke down
        with (tmp_path / "notes").open("a") as file:
            file.write('{"contest": "ab", "cal')  # a process that was killed
    assert asked == [0.2, 0.01, 0.01]
    freeze._came_to("sgd", problem, 0.2, 101.0)
    freeze._came_to("adam", problem, 0.2, 100.0)
    assert len(asked) == 5


def test_the_processes_that_measure_keep_it_in_the_file(tmp_path: Path) -> None:
    problem = freeze.problems("bilinear", next(freeze.cases(case.family("bilinear"))), 1)[0]
    notes = tmp_path / "notes"
    with multiprocessing.get_context("spawn").Pool(1, freeze.note, (notes,)) as pool:
        calls, least = pool.apply(freeze._came_to, ("sgd", problem, 0.5, 20.0))
    (line,) = (json.loads(text) for text in notes.read_text().splitlines() if text)
    assert (float(line["calls"]), float(line["least"])) == (calls, least)


def test_a_contender_that_can_have_no_median_is_given_up() -> None:
    tried: list[float] = []

    def calls(*found: float) -> Iterator[float]:
        for one in found:
            tried.append(one)
            yield one

    given_up = freeze.until_hopeless(calls(7.0, math.inf, math.inf, 5.0, 3.0), 4)
    assert given_up == [7.0, math.inf, math.inf, math.inf]
    assert tried == [7.0, math.inf, math.inf]
    assert statistics.median(given_up) == math.inf
    assert freeze.until_hopeless(calls(7.0, math.inf, 5.0), 3) == [7.0, math.inf, 5.0]
