"""What candidates do, on axes that a domain names, reaches the strategies of a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.core.types import Budget, Trial
from slotforge.search.archive import Archive
from slotforge.search.observer import Silent
from slotforge.testing.hills import config, discover


class Looking(Silent):
    """Notes what the archive says of each trial that has a candidate."""

    def __init__(self) -> None:
        self.seen: list[tuple[Trial, dict[str, float]]] = []

    def told(self, trial: Trial, archive: Archive) -> None:
        self.seen.append((trial, dict(archive.behaviour(trial))))


def test_the_archive_of_a_search_says_what_the_domain_says(tmp_path: Path) -> None:
    observer = Looking()
    discover(tmp_path / "s.db", config(budget=Budget(evals=6), strategy="random"), observer=observer)
    assert len(observer.seen) == 6
    for trial, behaviour in observer.seen:
        assert trial.candidate is not None
        slots = {"alpha": "0.5", "beta": "0.5", "gamma": "0.5", **trial.candidate.slots}
        assert behaviour == {slot: pytest.approx(float(number)) for slot, number in slots.items()}


def test_an_archive_without_a_domain_and_a_trial_without_code_have_no_behaviour(tmp_path: Path) -> None:
    baseline = Trial(run="r", number=0, operator="baseline", slots=(), parents=(), state="scored", ratio=1.0)
    assert Archive(slots=(), baseline=baseline).behaviour(baseline) == {}

    class Blind(Looking):
        def told(self, trial: Trial, archive: Archive) -> None:
            super().told(trial.model_copy(update={"candidate": None}), archive)

    observer = Blind()
    discover(tmp_path / "s.db", config(budget=Budget(evals=1)), observer=observer)
    assert [behaviour for _, behaviour in observer.seen] == [{}]
