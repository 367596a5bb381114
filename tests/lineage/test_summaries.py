"""Summaries say what a full count says, whatever was written, in whatever order, by whomever."""

from __future__ import annotations

import math
import runpy
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slotforge.core.comparison import REFUTED
from slotforge.core.errors import StoreError
from slotforge.core.types import Call, Candidate, Measurement, Outcome, TrialState
from slotforge.lineage import migrations, queries
from slotforge.lineage.best import best
from slotforge.lineage.confirmed import confirmed
from slotforge.lineage.reads.course import curve
from slotforge.lineage.store import SqlStore, open_store
from slotforge.testing.store_samples import (
    BASELINE,
    CONFIG,
    SUITE,
    held,
    sample_call,
    sample_pairs,
    sample_trial,
    sample_verdict,
)

SUMMED = runpy.run_path(str(Path(__file__).with_name("summed.py")))
kept, counted = SUMMED["kept"], SUMMED["counted"]

KNOWN = (
    BASELINE,
    BASELINE.with_slots({"decay": "one"}),
    BASELINE.with_slots({"decay": "two", "restart_due": "three"}),
    Candidate(domain="tsp", slots={"decay": "one"}),
)
NUMBERS = st.integers(-2, 7)
CALLS = st.builds(lambda number, model: asked(number, model), st.integers(0, 2), st.sampled_from(("small", "large")))
MEASURED = st.builds(
    Measurement,
    candidate=st.just("c"),
    instance=st.sampled_from(("a", "b", "c")),
    family=st.sampled_from(("f", "g")),
    seed=st.just(1),
    outcome=st.sampled_from((Outcome.SOLVED, Outcome.LIMIT, Outcome.CRASH)),
    cost=st.sampled_from((0.0, 1.0, 5.0, 60.0, 5e-324, 1e308, math.inf)),
    cpu_s=st.just(0.25),
)
TRIALS = st.builds(
    lambda number, **fields: sample_trial("", number, **fields),
    NUMBERS,
    operator=st.sampled_from(("mutate", "large")),
    state=st.sampled_from((TrialState.SCORED, TrialState.SCORED, TrialState.RACED_OUT, TrialState.FAILED)),
    candidate=st.none() | st.sampled_from(KNOWN),
    ratio=st.none() | st.sampled_from((0.5, 0.75, 2.0, math.inf)),
    measurements=st.lists(MEASURED, max_size=3).map(tuple),
    calls=st.lists(CALLS, max_size=2).map(tuple),
)
VERDICTS = st.builds(
    lambda candidate, against, ratio, families, alone: held(
        candidate, sample_verdict(ratio, families), against, pairs=sample_pairs(candidate) if alone else ()
    ),
    st.sampled_from(KNOWN),
    st.sampled_from((BASELINE, BASELINE, KNOWN[1])),
    st.sampled_from((0.5, 1.0)),
    st.dictionaries(st.sampled_from(("f", "langford")), st.sampled_from((0.4, 1.0)), max_size=2),
    st.booleans(),
)
RUNS = st.integers(0, 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("trial"), RUNS, TRIALS),
        st.tuples(st.just("trial"), RUNS, TRIALS),
        st.tuples(st.just("call"), RUNS, st.tuples(NUMBERS, CALLS)),
        st.tuples(st.just("verdict"), RUNS | st.none(), VERDICTS),
        st.tuples(st.just("finish"), RUNS, st.lists(VERDICTS, max_size=2)),
        st.tuples(st.just("reopen"), RUNS, st.none()),
    ),
    max_size=14,
)
Reopen = Callable[[], SqlStore]


def asked(number: int, model: str) -> Call:
    call = sample_call(number)
    return call.model_copy(update={"completion": call.completion.model_copy(update={"model": model})})


def play(where: str, steps: list[tuple[str, int | None, Any]]) -> None:
    """Write to two new runs, and open the store anew where that is asked for; a trial comes once."""
    store = open_store(where)
    runs = [store.create_run(CONFIG, SUITE, {}) for _ in range(2)]
    written: set[tuple[str, int]] = set()
    try:
        for kind, place, what in steps:
            run = None if place is None else runs[place]
            if kind == "trial" and (run, what.number) not in written:
                written.add((str(run), what.number))
                store.record(what.model_copy(update={"run": run}))
            elif kind == "call":
                store.record_call(str(run), what[0], what[1])
            elif kind == "verdict":
                store.record_verdict(run, what)
            elif kind == "finish":
                store.finish(str(run), "finished", {}, verdicts=what)
            elif kind == "reopen":
                store.close()
                store = open_store(where)
    finally:
        store.close()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(steps=STEPS)
def test_summaries_are_what_a_full_count_says_after_any_writes(where: str, steps: list[Any]) -> None:
    """Examples share a store, so that candidates and baselines meet what other runs left."""
    play(where, steps)
    with open_store(where) as store:
        assert kept(store) == counted(store)


def some_runs(where: str) -> None:
    """Write runs with all that is summed up: controls, a late baseline, verdicts of all kinds."""
    for ratio, families in ((0.5, {"f": 0.4, "langford": 1.0}), (1.0, {})):
        trials = [sample_trial("", number, calls=(sample_call(number),)) for number in (-1, 1, 2, 0, 3)]
        failed = sample_trial("", 4, state=TrialState.FAILED, candidate=None, ratio=None)
        made = trials[1].candidate
        assert made is not None
        told = held(made, sample_verdict(ratio, families), pairs=sample_pairs(made))
        odd = Candidate(domain="s\x00t", slots={"\ud800": "", "ü": "x"})
        steps: list[Any] = [("trial", 0, trial) for trial in (*trials, failed)]
        steps += [("trial", 1, sample_trial("", 5, candidate=odd)), ("call", 1, (9, asked(1, "m")))]
        play(where, [*steps, ("verdict", None, told), ("finish", 0, [told, held(BASELINE, told.verdict)])])


@pytest.mark.parametrize("version", ["0004", "0005"])
def test_migrations_fill_summaries_with_what_a_full_count_says(where: str, version: str) -> None:
    some_runs(where)
    migrations.downgrade(where, version)
    migrations.upgrade(where)
    with open_store(where) as store:
        found = kept(store)
        assert found == counted(store)
        assert all(found.values())
    some_runs(where)
    with open_store(where) as store:
        assert kept(store) == counted(store)


def test_runs_that_write_the_same_candidates_at_once_sum_up_right(where: str) -> None:
    with open_store(where) as store:
        runs = [store.create_run(CONFIG, SUITE, {}) for _ in range(4)]

    def write(run: str) -> None:
        with open_store(where) as own:
            for number in range(60):
                ratio = 0.5 + (number * 7 + int(run[0], 16)) % 60 / 100
                own.record(sample_trial(run, number, ratio=ratio, candidate=KNOWN[1 + number % 2]))
                if number % 20 == 19:
                    verdicts = [held(one, sample_verdict(ratio)) for one in (KNOWN[1], KNOWN[2])]
                    own.finish(run, "finished", {}, verdicts=verdicts[:: 1 if number == 39 else -1])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, runs))
    with open_store(where) as store:
        assert kept(store) == counted(store)


def test_exchanges_that_follow_their_trial_count_and_the_trial_counts_once_for_each_model(where: str) -> None:
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 1, ratio=0.5, calls=(asked(1, "small"),)))
        store.flush()
        for number, model in ((1, "small"), (1, "large"), (1, "large"), (2, "large")):
            store.record_call(run, number, asked(3, model))
            store.flush()
        found = kept(store)
        assert found == counted(store)
    assert {key[1]: (row["trials"], row["calls"]) for key, row in found["model_share"].items() if key[0] == run} == {
        "small": (1, 2),
        "large": (1, 2),
    }


def test_a_trial_that_comes_late_takes_the_place_of_worse_steps_after_it(where: str) -> None:
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        for number, ratio in ((0, 1.0), (5, 0.9), (7, 0.8), (9, 0.7), (3, 0.8), (2, 1.0), (-4, 0.1), (1, 0.95)):
            store.record(sample_trial(run, number, ratio=ratio))
            store.flush()
        assert kept(store) == counted(store)
        assert curve(store, run).steps == ((0, 1.0), (1, 0.95), (3, 0.8), (9, 0.7))


def write_twice(where: str, run: str) -> None:
    with open_store(where) as store:
        store.record(sample_trial(run, 2, ratio=0.1, candidate=KNOWN[1]))
        store.flush()
        store.record(sample_trial(run, 2))


def test_a_trial_that_is_refused_is_not_counted(where: str) -> None:
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 1))
    for _ in range(2):
        with pytest.raises(StoreError, match="already"):
            write_twice(where, run)
    with open_store(where) as store:
        assert kept(store) == counted(store)
        assert queries.runs(store)[0].trials == 2


def test_what_was_refuted_stands_so_whatever_comes_later(where: str) -> None:
    trial, base = sample_trial("", 1), sample_trial("", 0)
    assert trial.candidate is not None
    pairs, wrong = sample_pairs(trial.candidate), {"p": 0.0, "notes": (REFUTED + "WRONG on x",)}
    refuting = held(trial.candidate, sample_verdict(8.0).model_copy(update=wrong), pairs=pairs[:1])
    with open_store(where) as store:
        for family in ("langford", "another"):
            run = store.create_run(CONFIG, SUITE, {})
            for one in (base, trial):
                runs = tuple(m.model_copy(update={"family": family}) for m in one.measurements)
                store.record(one.model_copy(update={"run": run, "measurements": runs}))
            store.flush()
            if family == "langford":
                store.record_verdict(run, held(trial.candidate, sample_verdict(0.8), pairs=pairs))
                store.record_verdict(None, refuting)
            store.record_verdict(run, held(trial.candidate, sample_verdict(0.7), pairs=pairs))
        for shown in (None, "langford", "another"):
            (found,) = (one for one in best(store, "sat", family=shown) if one.candidate == trial.candidate.id)
            assert (found.confirmed, found.ratio) == (False, 8.0), shown
        assert confirmed(store, "sat") == ()


def test_the_best_and_runs_go_on_after_any_of_them(where: str) -> None:
    with open_store(where) as store:
        runs = [store.create_run(CONFIG, SUITE, {}) for _ in range(5)]
        made = [BASELINE.with_slots({slot: uuid.uuid4().hex}) for slot in ("decay", "restart_due") * 4]
        for number, candidate in enumerate(made):
            store.record(sample_trial(runs[0], number, candidate=candidate, ratio=0.5 + number % 3))
        store.record_verdict(runs[0], held(made[5], sample_verdict(0.8)))
        for slot, family in ((None, None), ("decay", None), (None, "langford"), ("decay", "langford")):
            whole = best(store, "sat", slot=slot, family=family)
            ids = [one.candidate for one in whole]
            assert len(ids) == len(set(ids)) == (4 if slot else 8)
            for place, one in enumerate(whole):
                after = best(store, "sat", slot=slot, family=family, after=one.candidate, limit=3)
                assert after == whole[place + 1 : place + 4]
        listed = queries.runs(store)
        assert [one.id for one in queries.runs(store, limit=2, after=listed[1].id)] == [one.id for one in listed[2:4]]


def test_a_lineage_with_as_many_ways_back_as_there_can_be_is_walked_once(where: str) -> None:
    """Each has the two before it as parents: there are more ways back than could be counted one by one."""
    made = [BASELINE.with_slots({"decay": str(number)}) for number in range(120)]
    with open_store(where) as store:
        run = store.create_run(CONFIG, SUITE, {})
        for number, candidate in enumerate(made):
            parents = tuple(one.id for one in made[max(0, number - 2) : number][::-1])
            store.record(sample_trial(run, number, candidate=candidate, parents=parents))
        found = queries.lineage(store, made[-1].id)
    assert [one.candidate for one in found] == [one.id for one in made[::-1]]
    assert found[-1].generation == 60
