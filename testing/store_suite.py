"""What every store must do, as tests: inherit from `StoreSuite` and give the fixture `reopen`.

    class TestMyStore(StoreSuite):
        @pytest.fixture
        def reopen(self, tmp_path):
            return lambda: MyStore(tmp_path / "store")

Needs pytest and hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slotforge.core.comparison import REFUTED, FamilyVerdict, Held, Pair, Verdict
from slotforge.core.errors import StoreError
from slotforge.core.operators import BUILTIN
from slotforge.core.seams import Store
from slotforge.core.types import (
    Call,
    Candidate,
    Completion,
    Instance,
    Measurement,
    Outcome,
    Prompt,
    RunConfig,
    Spending,
    Suite,
    Trial,
    TrialState,
)


class DurableStore(Store, Protocol):
    """A store that survives its process."""

    def close(self) -> None:
        """Flush, and let go of everything."""


Reopen = Callable[[], DurableStore]

LONG = st.integers(-(2**63), 2**63 - 1)
COUNT = st.integers(0, 2**31 - 1)
REAL = st.floats(allow_nan=False)
TEXT = st.text(max_size=40)
SLOTS = st.dictionaries(TEXT, TEXT, max_size=3)
CANDIDATES = st.builds(Candidate, domain=TEXT, slots=SLOTS)
INSTANCES = st.builds(Instance, id=TEXT, name=TEXT, family=TEXT, path=TEXT, status=st.none() | TEXT, size=TEXT)
SUITES = st.builds(
    Suite,
    search=st.lists(INSTANCES, max_size=3).map(tuple),
    select=st.lists(INSTANCES, max_size=2).map(tuple),
    holdout=st.lists(INSTANCES, max_size=2).map(tuple),
    warnings=st.lists(TEXT, max_size=2).map(tuple),
)
CALLS = st.builds(
    Call,
    stage=TEXT,
    prompt=st.builds(
        Prompt,
        operator=TEXT,
        messages=st.lists(st.tuples(st.sampled_from(("system", "user", "assistant")), TEXT), max_size=3).map(tuple),
    ),
    completion=st.builds(
        Completion, text=TEXT, model=TEXT, input_tokens=LONG, output_tokens=LONG, usd=REAL, latency_s=REAL
    ),
)
MEASUREMENTS = st.builds(
    Measurement,
    candidate=TEXT,
    instance=TEXT,
    family=TEXT,
    seed=LONG,
    outcome=st.sampled_from(Outcome),
    cost=REAL,
    cpu_s=REAL,
    answer=TEXT,
    evidence=TEXT,
    reason=TEXT,
    sandbox_level=st.integers(-1, 3),
    build=TEXT,
    stats=st.dictionaries(TEXT, REAL, max_size=3),
)
TRIALS = st.builds(
    Trial,
    run=st.just(""),
    number=COUNT,
    operator=TEXT,
    slots=st.lists(TEXT, max_size=3).map(tuple),
    parents=st.lists(TEXT, max_size=3).map(tuple),
    state=st.sampled_from(TrialState),
    candidate=st.none() | CANDIDATES,
    reason=TEXT,
    ratio=st.none() | REAL,
    instances=COUNT,
    against=st.none() | st.integers(-(2**31), 2**31 - 1),
    cpu_s=REAL,
    calls=st.lists(CALLS, max_size=3).map(tuple),
    log=SLOTS,
    measurements=st.lists(MEASUREMENTS, max_size=3).map(tuple),
    selection=st.lists(MEASUREMENTS, max_size=2).map(tuple),
)
PAIRS = st.builds(Pair, candidate=MEASUREMENTS, against=MEASUREMENTS, candidate_first=st.booleans())

CONFIG = RunConfig(domain="sat", instances=("langford",), slots=("restart_due",), options={"block": 4})
SUITE = Suite(
    search=(Instance(id="a1", name="one", family="langford", path="/one.cnf", status="SAT", size="9 variables"),),
    select=(),
    holdout=(Instance(id="a2", name="two", family="langford", path="/two.cnf"),),
)
BASELINE = Candidate(domain="sat")
OTHER = Candidate(domain="sat", slots={"restart_due": "struct Other {};"})

anything = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow],
)


def sample_call(number: int, stage: str = "propose") -> Call:
    """Make an exchange that differs by number and stage."""
    prompt = Prompt(operator="mutate", messages=(("system", "rules"), ("user", f"{stage}: proposal {number}")))
    completion = Completion(
        text=f"answer {number}", model="m", input_tokens=10, output_tokens=5, usd=0.01, latency_s=1.5
    )
    return Call(stage=stage, prompt=prompt, completion=completion)


def sample_trial(run: str, number: int, **changes: Any) -> Trial:
    """Make a scored trial with two measurements; trial 0 is the baseline."""
    candidate = BASELINE.with_slots({"restart_due": f"struct S{number} {{}};"} if number else {})
    measurements = tuple(
        Measurement(
            candidate=candidate.id,
            instance=f"a{seed}",
            family="langford",
            seed=seed,
            outcome=Outcome.SOLVED,
            cost=1000.0 - number,
            cpu_s=0.5,
            stats={"conflicts": 7.0},
        )
        for seed in (1, 2)
    )
    fields: dict[str, Any] = {
        "run": run,
        "number": number,
        "operator": "mutate" if number else "baseline",
        "slots": ("restart_due",) if number else (),
        "parents": (BASELINE.id,) if number else (),
        "state": TrialState.SCORED,
        "candidate": candidate,
        "ratio": 1.0 - number / 1000,
        "instances": 2,
        "cpu_s": 1.0,
        "measurements": measurements,
    }
    return Trial(**(fields | changes))


def sample_verdict(ratio: float = 0.8, families: Mapping[str, float] | None = None) -> Verdict:
    """Make a verdict with an interval of 0.1 either side."""

    def figures(of: float) -> dict[str, Any]:
        outcome = "better" if of < 0.9 else "worse" if of > 1.1 else "no difference"
        return {
            "ratio": of,
            "low": of - 0.1,
            "high": of + 0.1,
            "p": 0.01,
            "instances": 9,
            "verdict": outcome,
            "cpu_ratio": of,
        }

    per_family = {name: FamilyVerdict(**figures(of)) for name, of in (families or {}).items()}
    return Verdict(**figures(ratio), families=per_family, proofs=3, models=4, notes=("checked",))


def held(candidate: Candidate, verdict: Verdict, against: Candidate = BASELINE, **rests_on: Any) -> Held:
    """Say that a candidate was held against the baseline, or another."""
    return Held(candidate=candidate, against=against, verdict=verdict, **rests_on)


def sample_pairs(candidate: Candidate) -> tuple[Pair, ...]:
    """Make two pairs of a candidate and the baseline; which went first alternates."""
    runs = zip(sample_trial("", 1).measurements, sample_trial("", 0).measurements, (True, False), strict=True)
    return tuple(
        Pair(candidate=run.model_copy(update={"candidate": candidate.id}), against=base, candidate_first=first)
        for run, base, first in runs
    )


def changed(pairs: Sequence[Pair], **new: Callable[[Measurement], Any]) -> tuple[Pair, ...]:
    """Change fields of both runs of each pair, given what they are now."""

    def other(run: Measurement) -> Measurement:
        return run.model_copy(update={name: make(run) for name, make in new.items()})

    return tuple(
        pair.model_copy(update={"candidate": other(pair.candidate), "against": other(pair.against)}) for pair in pairs
    )


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
