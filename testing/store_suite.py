"""What every store must do, as tests: inherit from `StoreSuite` and give the fixture `reopen`.

    class TestMyStore(StoreSuite):
        @pytest.fixture
        def reopen(self, tmp_path):
            return lambda: MyStore(tmp_path / "store")

Needs pytest and hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.comparison import REFUTED, Pair
from slotforge.core.errors import StoreError
from slotforge.core.operators import BUILTIN
from slotforge.core.seams import Store
from slotforge.core.types import (
    Candidate,
    Spending,
    Suite,
    Trial,
    TrialState,
)
from slotforge.testing.store_samples import (
    BASELINE,
    CANDIDATES,
    CONFIG,
    OTHER,
    PAIRS,
    SUITE,
    SUITES,
    TEXT,
    TRIALS,
    anything,
    changed,
    held,
    sample_call,
    sample_pairs,
    sample_trial,
    sample_verdict,
)


class DurableStore(Store, Protocol):
    """A store that survives its process."""

    def close(self) -> None:
        """Flush, and let go of everything."""


Reopen = Callable[[], DurableStore]


class StoreSuite:
    """Inherit, and give a fixture `reopen` that opens the same store anew at each call."""

    @pytest.fixture
    def store(self, reopen: Reopen) -> Any:
        """Open the store, and close it after the test."""
        store = reopen()
        yield store
        store.close()

    @anything
    @given(suite=SUITES, trial=TRIALS, environment=st.dictionaries(TEXT, TEXT, max_size=2))
    def test_a_trial_comes_back_as_it_was(
        self, store: DurableStore, suite: Suite, trial: Trial, environment: dict[str, str]
    ) -> None:
        run = store.create_run(CONFIG, suite, environment)
        trial = trial.model_copy(update={"run": run})
        store.record(trial)
        assert store.trials(run) == {trial.number: trial}
        assert tuple(store.calls(run, trial.number)) == trial.calls

    def test_what_was_flushed_is_there_when_opened_again(self, reopen: Reopen) -> None:
        first = reopen()
        run = first.create_run(CONFIG, SUITE, {})
        trials = {number: sample_trial(run, number) for number in range(5)}
        for trial in trials.values():
            first.record(trial)
        first.flush()
        second = reopen()
        assert second.trials(run) == trials
        second.close()
        first.close()

    def test_closing_loses_nothing(self, reopen: Reopen) -> None:
        first = reopen()
        run = first.create_run(CONFIG, SUITE, {})
        first.record(sample_trial(run, 0))
        first.record_call(run, 1, sample_call(1))
        first.close()
        second = reopen()
        assert list(second.trials(run)) == [0]
        assert list(second.calls(run, 1)) == [sample_call(1)]
        second.close()

    def test_trials_come_in_the_order_of_their_numbers(self, store: DurableStore) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        for number in (3, 0, 2, 1):
            store.record(sample_trial(run, number))
        assert list(store.trials(run)) == [0, 1, 2, 3]

    def test_trials_from_and_up_to_a_number_come_alone(self, store: DurableStore) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        assert store.newest(run) == 0
        for number in (2, -1, 0, 1):
            store.record(sample_trial(run, number))
        assert [list(store.trials(run, last=last)) for last in (-1, 1)] == [[-1], [-1, 0, 1]]
        assert [list(store.trials(run, first=first, last=1)) for first in (0, 2)] == [[0, 1], []]
        assert store.newest(run) == 2

    def test_runs_keep_apart(self, store: DurableStore) -> None:
        one, two = (store.create_run(CONFIG, SUITE, {}) for _ in range(2))
        assert one != two
        store.record(sample_trial(one, 0))
        store.record_call(one, 1, sample_call(1))
        assert store.trials(two) == {}
        assert list(store.calls(two, 1)) == []

    def test_exchanges_are_kept_before_their_trial_and_stand_once_after_it(self, store: DurableStore) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        calls = tuple(sample_call(7, stage) for stage in ("propose", "repair", "repair"))
        for count, call in enumerate(calls):
            store.record_call(run, 7, call)
            assert tuple(store.calls(run, 7)) == calls[: count + 1]
        assert store.trials(run) == {}
        assert store.all_calls(run, unfinished=True) == store.all_calls(run) == {7: calls}
        trial = sample_trial(run, 7, calls=calls)
        store.record(trial)
        assert (store.all_calls(run, unfinished=True), store.all_calls(run)) == ({}, {7: calls})
        assert tuple(store.calls(run, 7)) == calls
        assert store.trials(run) == {7: trial}

    def test_a_trial_is_recorded_once(self, store: DurableStore) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        store.record(sample_trial(run, 0))
        store.flush()
        with pytest.raises(StoreError, match="already"):
            self._record_and_flush(store, sample_trial(run, 0, reason="again"))

    def test_a_trial_of_no_run_is_refused(self, store: DurableStore) -> None:
        with pytest.raises(StoreError):
            self._record_and_flush(store, sample_trial("absent", 0))

    def test_many_threads_lose_nothing(self, store: DurableStore) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: store.record(sample_trial(run, number)), range(200)))
        assert list(store.trials(run)) == list(range(200))

    def test_a_better_verdict_confirms_the_trial(self, store: DurableStore) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        winner, loser = sample_trial(run, 1), sample_trial(run, 2)
        for trial, ratio in ((winner, 0.8), (loser, 1.0)):
            store.record(trial)
            assert trial.candidate is not None
            store.record_verdict(run, held(trial.candidate, sample_verdict(ratio)))
        states = [trial.state for trial in store.trials(run).values()]
        assert states == [TrialState.CONFIRMED, TrialState.SCORED]

    def test_a_refuted_candidate_is_confirmed_no_more(self, store: DurableStore) -> None:
        run, other = store.create_run(CONFIG, SUITE, {}), store.create_run(CONFIG, SUITE, {})
        trials = sample_trial(run, 1), sample_trial(other, 1)
        for trial in trials:
            store.record(trial)
            assert trial.candidate is not None
            store.record_verdict(trial.run, held(trial.candidate, sample_verdict(0.8)))
        assert trials[0].candidate == trials[1].candidate
        assert trials[0].candidate is not None
        wrong = sample_verdict(8.0).model_copy(update={"p": 0.0, "notes": (REFUTED + "WRONG on x",)})
        store.record_verdict(None, held(trials[0].candidate, wrong, against=OTHER))
        assert [store.trials(one)[1].state for one in (run, other)] == [TrialState.SCORED] * 2

    def test_what_was_refuted_is_never_confirmed_again(self, store: DurableStore) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        trial = sample_trial(run, 1)
        store.record(trial)
        assert trial.candidate is not None
        wrong = sample_verdict(8.0).model_copy(update={"p": 0.0, "notes": (REFUTED + "WRONG on x",)})
        store.record_verdict(None, held(trial.candidate, wrong, against=OTHER))
        store.record_verdict(run, held(trial.candidate, sample_verdict(0.8)))
        assert store.trials(run)[1].state is TrialState.SCORED

    def test_looks_in_vain_are_counted_on_the_same_candidate_and_on_the_same_instances(
        self, store: DurableStore
    ) -> None:
        one, another = (Candidate(domain="sat", slots={"restart": text}) for text in ("a", "b"))
        here = sample_pairs(one)
        fresh = changed(here, instance=lambda m: f"fresh {m.instance}")
        elsewhere = changed(fresh, family=lambda _: "elsewhere")

        def looks(candidate: Candidate, pairs: Sequence[Pair], against: Candidate = BASELINE) -> int:
            return store.not_better(candidate.id, against.id, pairs)

        assert looks(one, here) == 0
        store.record_verdict(None, held(one, sample_verdict(0.8), pairs=here))
        assert [looks(one, fresh), looks(another, here)] == [0, 0]  # it was better
        store.record_verdict(None, held(one, sample_verdict(1.0), pairs=here))
        assert [looks(one, at) for at in (here, fresh, elsewhere)] == [0, 1, 0]  # here, it looks at the same once more
        assert [looks(another, at) for at in (here, fresh, elsewhere)] == [1, 0, 0]
        assert [looks(one, (*here, *fresh)), looks(one, here, against=another)] == [1, 0]
        store.record_verdict(None, held(another, sample_verdict(1.2), pairs=sample_pairs(another)))
        assert [looks(one, here), looks(one, fresh), looks(another, here), looks(another, fresh)] == [0, 1, 1, 1]

    def test_other_seeds_and_a_part_of_the_instances_are_new_looks(self, store: DurableStore) -> None:
        here = pairs = sample_pairs(OTHER)
        for turn in range(3):
            assert store.not_better(OTHER.id, BASELINE.id, pairs) == turn
            store.record_verdict(None, held(OTHER, sample_verdict(1.0), pairs=pairs))
            pairs = changed(pairs, seed=lambda run: run.seed + 100)
        assert len(here) > 1
        assert store.not_better(OTHER.id, BASELINE.id, here[:1]) == 3

    def test_verdicts_on_controls_are_no_looks_unless_they_are_asked_for_by_themselves(
        self, store: DurableStore
    ) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        trial = sample_trial(run, -1).model_copy(update={"operator": f"{BUILTIN}luby"})
        store.record(trial)
        assert trial.candidate is not None
        pairs = sample_pairs(trial.candidate)
        told = held(trial.candidate, sample_verdict(1.0), pairs=pairs)
        store.record_verdict(run, told.model_copy(update={"control": True}))
        assert store.not_better(OTHER.id, BASELINE.id, pairs) == 0
        store.record_verdict(run, told)
        assert store.not_better(OTHER.id, BASELINE.id, pairs) == 1

    def test_a_run_ends_with_its_verdict_or_not_at_all(self, store: DurableStore) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        trial = sample_trial(run, 1)
        store.record(trial)
        assert trial.candidate is not None
        selection = trial.measurements[:1]
        told = held(trial.candidate, sample_verdict(0.8), pairs=sample_pairs(trial.candidate))
        store.finish(run, "finished", {}, selection={1: selection}, verdicts=[told])
        assert store.trials(run) == {
            1: trial.model_copy(update={"state": TrialState.CONFIRMED, "selection": selection})
        }
        assert list(store.verdicts(run)) == [told]
        with pytest.raises(StoreError):
            store.finish(run, "broken", {}, selection={99: selection}, verdicts=[told])
        assert list(store.verdicts(run)) == [told]
        assert [event.kind for event in store.events(run)] == ["finished"]

    def test_what_the_choice_and_verdicts_measure_is_kept_until_these_hold_it(self, reopen: Reopen) -> None:
        first = reopen()
        run, other = first.create_run(CONFIG, SUITE, {}), first.create_run(CONFIG, SUITE, {})
        trial = sample_trial(run, 1)
        assert trial.candidate is not None
        pairs = changed(sample_pairs(trial.candidate), seed=lambda run: run.seed + 1)
        first.record(trial)
        kept = {"chosen": trial.measurements[:1], "in vain": changed(pairs, seed=lambda run: run.seed + 9)[0].runs}
        kept |= {f"pair {place}": pair.runs for place, pair in enumerate(pairs)}
        for key, runs in kept.items():
            first.record_interim(run, key, runs)
        first.close()
        second = reopen()
        assert second.interim(run) == kept
        assert second.interim(other) == {}
        second.record_interim(run, "chosen", kept["chosen"])  # by who took the run over
        second.lock_run(run)
        second.record_verdict(run, held(trial.candidate, sample_verdict(0.8), pairs=pairs))
        assert second.interim(run).keys() == {"chosen", "in vain"}
        second.finish(run, "finished", {}, selection={1: trial.measurements[:1]})
        assert second.interim(run) == {"in vain": kept["in vain"]}
        second.close()

    @anything
    @given(
        candidate=CANDIDATES,
        pairs=st.lists(PAIRS, max_size=3).map(tuple),
        environment=st.dictionaries(TEXT, TEXT, max_size=2),
    )
    def test_a_verdict_comes_back_with_its_pairs_and_its_environment(
        self, store: DurableStore, candidate: Candidate, pairs: tuple[Pair, ...], environment: dict[str, str]
    ) -> None:
        run = store.create_run(CONFIG, SUITE, {})
        verdict = sample_verdict(0.8, {"langford": 0.7, "sgen": 1.2})
        told = [
            held(candidate, verdict, pairs=pairs, environment=environment),
            held(BASELINE, sample_verdict(1.0), against=candidate),
        ]
        for one in told:
            store.record_verdict(run, one)
        assert list(store.verdicts(run)) == told
        assert list(store.verdicts(store.create_run(CONFIG, SUITE, {}))) == []

    def test_the_history_of_a_run_says_how_each_stretch_began_and_ended(self, store: DurableStore) -> None:
        run, other = store.create_run(CONFIG, SUITE, {}), store.create_run(CONFIG, SUITE, {})
        store.open_session(run)
        store.finish(run, "interrupted", {}, why="SIGINT")
        store.open_session(run)
        store.open_session(other)
        store.record_event(run, "failed", {"why": "no compiler"})
        store.open_session(run)
        store.finish(run, "finished", {})
        events = store.events(run)
        assert [(event.kind, event.facts) for event in events] == [
            ("started", {}),
            ("interrupted", {"why": "SIGINT"}),
            ("resumed", {}),
            ("failed", {"why": "no compiler"}),
            ("resumed", {}),
            ("finished", {}),
        ]
        assert [event.at for event in events] == sorted(event.at for event in events)

    def test_stretches_of_a_run_are_numbered_and_keep_the_last_that_was_said(self, store: DurableStore) -> None:
        run, other = store.create_run(CONFIG, SUITE, {}), store.create_run(CONFIG, SUITE, {})
        assert [store.open_session(run), store.open_session(other), store.open_session(run)] == [1, 1, 2]
        for seconds in (1.0, 2.0):
            store.record_spending(run, 2, Spending(seconds=seconds, tokens=3, usd=0.5))

    def test_a_run_has_one_driver(self, reopen: Reopen) -> None:
        first, second = reopen(), reopen()
        run = first.create_run(CONFIG, SUITE, {})
        with pytest.raises(StoreError, match="being driven"):
            second.lock_run(run)
        first.lock_run(run)
        first.finish(run, "finished", {"ratio": 0.5})
        second.lock_run(run)
        second.close()
        first.lock_run(run)
        first.close()

    @staticmethod
    def _record_and_flush(store: DurableStore, trial: Trial) -> None:
        store.record(trial)
        store.flush()
