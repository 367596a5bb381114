"""Live progress: bars on a terminal, plain lines that do not flood elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from slotforge.core.types import Candidate, Trial, TrialState
from slotforge.search.archive import Archive
from slotforge.service.cli import _progress


def trial(number: int, ratio: float) -> Trial:
    made = Candidate(domain="d", slots={"decay": str(ratio)} if number else {})
    return Trial(
        run="r",
        number=number,
        operator="mutate",
        slots=("decay",),
        parents=(),
        state=TrialState.SCORED,
        candidate=made,
        ratio=ratio,
    )


def test_without_a_terminal_stages_and_new_bests_are_lines_and_steps_are_not() -> None:
    said = io.StringIO()
    display = _progress.Display(Console(file=said, width=200), None)
    display.begin("measuring", 500)
    for _ in range(500):
        display.step()
    archive = Archive(slots=("decay",), baseline=trial(0, 1.0))
    display.begin("searching", 3)
    for number, ratio in ((1, 0.9), (2, 0.95), (3, 0.8)):
        archive.add(trial(number, ratio))
        display.told(archive.trials[-1], archive)
    lines = said.getvalue().splitlines()
    assert lines[:2] == ["measuring (500)", "searching (3)"]
    assert [line.split(":")[0] for line in lines[2:]] == ["trial 1 (decay)", "trial 3 (decay)"]


def test_a_search_that_begins_far_from_the_baseline_says_where_and_each_better_one() -> None:
    said = io.StringIO()
    display = _progress.Display(Console(file=said, width=200), None)
    archive = Archive(slots=("decay",), baseline=trial(0, 1.0))
    archive.begin_with([trial(-1, 5.0)], apart=True)
    for number, ratio in ((1, 6.0), (2, 4.0), (3, 4.5)):
        archive.add(trial(number, ratio))
        display.told(archive.trials[-1], archive)
    found = [line.split(": ")[1].split(" ")[0] for line in said.getvalue().splitlines() if "cost" in line]
    assert found == ["5.000", "4.000"]


def test_a_long_stage_says_how_far_it_is_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 4))
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(clock))
    said = io.StringIO()
    display = _progress.Display(Console(file=said, width=200), None)
    display.begin("measuring", 50)
    for _ in range(50):
        display.step()
    lines = said.getvalue().splitlines()
    assert 5 < len(lines) < 25
    assert any(line == f"measuring: {n} of 50" for n in range(50) for line in lines)


def test_on_a_terminal_a_stage_is_full_when_the_next_begins() -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with Progress(console=console) as progress:
        display = _progress.Display(console, progress)
        display.begin("of unknown length", None)
        display.begin("measuring", 2)
        display.step()
        display.step()
        display.end()
        assert [task.finished for task in progress.tasks] == [True, True]
