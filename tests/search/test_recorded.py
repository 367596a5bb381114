"""A run that goes on reads its trials a share at a time, and goes on as if it had them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.types import Budget, Trial, TrialState
from slotforge.search import recorded
from slotforge.search.recorded import Recorded
from slotforge.testing import hills
from slotforge.testing.memory import MemoryStore


class Watched(MemoryStore):
    """Keeps how many trials were read at once."""

    def __init__(self, *numbers: int) -> None:
        super().__init__()
        self.read: list[int] = []
        for n in numbers:
            self.record(
                Trial(run="r", number=n, operator="o", slots=(), parents=(), state=TrialState.FAILED, reason="no")
            )

    def trials(self, run: str, **span: Any) -> Mapping[int, Trial]:
        found = super().trials(run, **span)
        self.read.append(len(found))
        return found


def test_trials_come_by_number_with_holes_and_few_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "SHARE", 3)
    store = Watched(-2, -1, 0, 1, 2, 4, 8, 9)
    found = Recorded(store=store, run="r")
    assert found.last == 9
    assert [n for n in range(1, 20) if (trial := found.get(n)) and trial.number == n] == [1, 2, 4, 8, 9]
    assert store.read == [2, 1, 2]


def test_of_a_run_without_proposals_nothing_is_read() -> None:
    store = Watched(-1, 0)
    assert Recorded(store=store, run="r").get(1) is None
    assert store.read == []


def test_a_run_that_goes_on_by_shares_reaches_what_one_without_interruption_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "SHARE", 3)
    whole = hills.discover(tmp_path / "whole.db", hills.config())
    short, _ = hills.discover(tmp_path / "part.db", hills.config(budget=Budget(evals=14)))
    report, trials = hills.discover(tmp_path / "part.db", hills.config(), run_id=short.run)
    proposals = [{n: row for n, row in rows.items() if n > 0} for rows in (trials, whole[1])]
    assert report.best == whole[0].best
    assert proposals[0] == proposals[1]
