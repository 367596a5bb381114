"""The course of a run as it is told: its curve, what became of its trials, and some of its dots."""

from __future__ import annotations

import pytest

from slotforge.core.types import TrialState
from slotforge.lineage.store import SqlStore
from slotforge.service.views import course
from slotforge.testing.store_samples import CONFIG, SUITE, sample_trial


def begun(store: SqlStore, *numbers: int, **changes: object) -> str:
    run = store.create_run(CONFIG, SUITE, {})
    for number in numbers:
        store.record(sample_trial(run, number, **{"measurements": (), **changes}))
    return run


@pytest.mark.parametrize("each", [1, 2, 7, 8])
def test_of_many_dots_about_as_many_as_are_asked_for_are_told_evenly_spread(store: SqlStore, each: int) -> None:
    numbers = range(0, 400 * each, each)
    run = begun(store, *numbers)
    every, some = course.scored(store, run), course.scored(store, run, about=50)
    assert [number for number, _ in every] == list(numbers)
    assert set(some) < set(every)
    assert sorted(some) == list(some)
    assert 40 <= len(some) <= 60
    for part in range(4):
        assert 8 <= sum(100 * part <= number // each < 100 * (part + 1) for number, _ in some) <= 17


def test_few_dots_are_all_told_and_those_that_are_told_stay_while_more_come(store: SqlStore) -> None:
    run = begun(store, *range(60))
    assert course.scored(store, run, about=60) == course.scored(store, run)
    before = course.scored(store, run, about=50)
    for number in range(60, 64):
        store.record(sample_trial(run, number, measurements=()))
    after = course.scored(store, run, about=50)
    assert {point for point in after if point[0] < 60} <= set(before)


def test_the_highest_numbers_of_trials_are_told_as_well(store: SqlStore) -> None:
    run = begun(store, 0, *range(2**31 - 20, 2**31), ratio=0.5)
    assert 5 <= len(course.scored(store, run, about=10)) <= 15
    assert course.curve(store, run) == course.Curve(last=2**31 - 1, steps=((0, 0.5),))


def test_baseline_and_controls_are_none_of_those_that_were_tried(store: SqlStore) -> None:
    run = begun(store, -3039, -1, 0)
    assert course.tried(store, run) == {}
    store.record(sample_trial(run, 1))
    store.record(sample_trial(run, 2, state=TrialState.FAILED, ratio=None))
    store.record(sample_trial(run, -2, state=TrialState.FAILED, ratio=None))
    assert course.tried(store, run) == {"failed": 1, "scored": 1}


def test_a_run_of_controls_alone_has_no_curve(store: SqlStore) -> None:
    run = begun(store, -1)
    assert course.curves(store, [run, "none"]) == {}
    assert course.curve(store, run) == course.Curve(last=0, steps=())
