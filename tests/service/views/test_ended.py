"""An ended run is shown as it stands, also where it was shown before and something about it has changed since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slotforge.core.comparison import REFUTED
from slotforge.lineage import prune as prune_module
from slotforge.lineage import winners
from slotforge.lineage.reads import ended
from slotforge.lineage.store import SqlStore
from slotforge.service.views import runs
from slotforge.service.views.runs import RunShown
from slotforge.testing.store_samples import CONFIG, SUITE, held, sample_call, sample_trial, sample_verdict


def show(store: SqlStore, run: str) -> RunShown:
    return runs.shown(store, run, pairs=False)


def test_a_run_that_has_ended_is_put_together_once(store: SqlStore) -> None:
    run = store.create_run(CONFIG, SUITE, {})
    assert show(store, run) is not show(store, run)
    store.finish(run, "finished", {})
    assert show(store, run) is show(store, run)
    assert runs.shown(store, run, pairs=False, reasons=1) is not show(store, run)


def test_whatever_changes_is_shown(store: SqlStore) -> None:
    run = store.create_run(CONFIG, SUITE, {})
    trial = sample_trial(run, 1)
    store.record(trial)
    store.finish(run, "finished", {})
    assert trial.candidate is not None
    told = held(trial.candidate, sample_verdict(0.5))
    changes: tuple[Callable[[], object], ...] = (
        lambda: store.record_verdict(run, told),
        lambda: store.record_event(run, "pruned", {}),
        lambda: store.record_call(run, 2, sample_call(2)),
        lambda: store.record(sample_trial(run, 2)),
        lambda: store.lock_run(run),
        lambda: store.finish(run, "interrupted", {"trials": 2}),
    )
    for change in changes:
        before = show(store, run)
        change()
        fresh = runs._shown(store, run, False, None)
        assert show(store, run) == fresh != before


def test_what_another_run_has_refuted_is_shown(store: SqlStore) -> None:
    run, other = (store.create_run(CONFIG, SUITE, {}) for _ in range(2))
    made = sample_trial(run, 1).candidate
    assert made is not None
    store.record(sample_trial(run, 1))
    store.finish(run, "finished", {}, verdicts=[held(made, sample_verdict(0.5))])
    assert show(store, run).states == {"confirmed": 1}
    refuted = sample_verdict(1.5).model_copy(update={"p": 0.0, "notes": (f"{REFUTED} one",)})
    store.record_verdict(other, held(made, refuted))
    assert show(store, run).states == {"scored": 1}


def test_what_is_pruned_in_several_steps_is_shown_after_each(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winners, "CHUNK", 1)
    run = store.create_run(CONFIG, SUITE, {})
    for number in range(4):
        store.record(sample_trial(run, number).model_copy(update={"calls": (sample_call(number),)}))
    store.finish(run, "finished", {})
    told, prunes = [], prune_module._Job.trials

    def looked(*arguments: Any) -> None:
        told.append(show(store, run).events[-1].facts.get("exchanges"))
        prunes(*arguments)

    monkeypatch.setattr(prune_module._Job, "trials", looked)
    prune_module.prune(store)
    assert [*told, show(store, run).events[-1].facts["exchanges"]] == [None, None, 1, 2, 3]


def test_no_more_runs_are_remembered_than_there_is_room_for(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended, "MOST", 1)
    made = [store.create_run(CONFIG, SUITE, {}) for _ in range(2)]
    for run in made:
        store.finish(run, "finished", {})
    first = show(store, made[0])
    show(store, made[1])
    assert show(store, made[0]) is not first
    assert show(store, made[0]) == first
