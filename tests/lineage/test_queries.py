"""What is known can be asked for, across runs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from slotforge.core.errors import StoreError, UnknownId
from slotforge.core.ids import content_id
from slotforge.core.types import CAP, Candidate, Measurement, Outcome, RunConfig, Suite, TrialState
from slotforge.lineage import queries
from slotforge.lineage.best import best
from slotforge.lineage.store import SqlStore
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


@pytest.fixture
def run(store: SqlStore) -> str:
    run = store.create_run(CONFIG, SUITE, {"compiler": "g++ 12"})
    for number in range(4):
        store.record(sample_trial(run, number))
    return run


def made(number: int) -> Candidate:
    candidate = sample_trial("", number).candidate
    assert candidate is not None
    return candidate


def test_a_run_is_found_by_the_beginning_of_its_id(store: SqlStore, run: str) -> None:
    store.finish(run, "finished", {"holdout": {"ratio": 0.9}})
    record = store.run(run[:6].upper())
    assert (record.id, record.config, record.suite, record.environment) == (run, CONFIG, SUITE, {"compiler": "g++ 12"})
    assert (record.state, record.report) == ("finished", {"holdout": {"ratio": 0.9}})
    assert record.ended is not None
    assert record.started <= record.ended


def test_an_id_that_fits_nothing_or_too_much_is_refused(store: SqlStore) -> None:
    runs = [store.create_run(CONFIG, Suite(search=(), select=(), holdout=()), {}) for _ in range(17)]
    shared = next(run[0] for run in runs if sum(other[0] == run[0] for other in runs) > 1)
    with pytest.raises(StoreError, match=rf"'{shared}' is not enough of the id, it fits run {shared}"):
        store.run(shared)
    for wrong in ("", "xyz", "%", "0123456789abcdef"):
        with pytest.raises(StoreError, match=f"no run '{wrong}' in "):
            store.run(wrong)
    with pytest.raises(StoreError, match="no run or candidate 'nothing'"):
        queries.identify(store, "nothing")


def test_an_id_says_what_it_belongs_to(store: SqlStore, run: str) -> None:
    assert queries.identify(store, run) == ("run", run)
    assert queries.identify(store, made(1).id[:12]) == ("candidate", made(1).id)


def test_the_list_of_runs_shows_the_newest_first(store: SqlStore, run: str) -> None:
    later = store.create_run(RunConfig(domain="sat", instances=(), seed=5, strategy="random"), SUITE, {})
    newest, oldest = queries.runs(store)
    assert (newest.id, newest.trials, newest.ratio, newest.strategy, newest.seed) == (later, 0, None, "random", 5)
    assert (oldest.id, oldest.trials, oldest.ratio, oldest.state) == (run, 3, 0.997, "running")


def test_a_run_is_shown_with_its_cost_its_states_and_its_verdicts(store: SqlStore, run: str) -> None:
    store.record(sample_trial(run, 4, state=TrialState.FAILED, candidate=None, ratio=None, calls=(sample_call(4),)))
    store.record_call(run, 5, sample_call(5))
    rests_on = {"pairs": sample_pairs(made(1)), "environment": {"processor": "fast"}}
    store.record_verdict(run, held(made(1), sample_verdict(0.8, {"langford": 0.7, "sgen": 1.2}), **rests_on))
    store.record_event(run, "failed", {"why": "no compiler"})
    shown = queries.show_run(store, run)
    assert shown.states == {"confirmed": 1, "failed": 1, "scored": 3}
    assert shown.usage == queries.usage(store, run)
    assert (shown.usage.calls, shown.usage.tokens, shown.usage.usd, shown.usage.cpu_s) == (2, 30, 0.02, 7.0)
    (confirmation,) = shown.confirmations
    assert confirmation.verdict == sample_verdict(0.8, {"langford": 0.7, "sgen": 1.2})
    assert (confirmation.candidate, confirmation.against, confirmation.run) == (made(1).id, BASELINE.id, run)
    assert (confirmation.pairs, confirmation.environment) == (rests_on["pairs"], rests_on["environment"])
    assert [(event.kind, event.facts) for event in shown.events] == [("failed", {"why": "no compiler"})]


def test_what_a_run_has_cost_counts_the_select_split_and_the_pairs_of_its_verdicts(store: SqlStore, run: str) -> None:
    before = queries.usage(store, run).cpu_s
    selection = {number: sample_trial(run, number).measurements for number in (0, 2)}
    told = held(made(2), sample_verdict(1.0), pairs=sample_pairs(made(2)))
    store.finish(run, "finished", {}, selection=selection, verdicts=[told])
    store.record_verdict(None, told)  # of no run
    assert queries.usage(store, run).cpu_s == before + 4 * 0.5 + 4 * 0.5


def test_a_candidate_is_shown_with_every_trial_that_led_to_it(store: SqlStore, run: str) -> None:
    other = store.create_run(CONFIG, SUITE, {})
    again = sample_trial(other, 9, candidate=made(2), calls=(sample_call(9),))
    store.record(again)
    store.record_artefact(made(2), "cpp", Path("/out/decay.hpp"))
    shown = queries.show_candidate(store, made(2).id[:10])
    assert shown.candidate == queries.candidate(store, made(2).id) == made(2)
    assert sorted(shown.trials, key=lambda trial: trial.number) == [sample_trial(run, 2), again]
    assert [(artefact.kind, artefact.path) for artefact in shown.artefacts] == [("cpp", "/out/decay.hpp")]


def test_best_puts_what_was_confirmed_first(store: SqlStore, run: str) -> None:
    store.record_verdict(run, held(made(1), sample_verdict(0.85)))
    store.record_verdict(None, held(made(2), sample_verdict(1.3)))
    store.record_verdict(
        run, held(made(3), sample_verdict(0.1), against=made(1))
    )  # not against the baseline: says nothing here
    found = best(store, "sat")
    assert [(row.candidate, row.ratio, row.confirmed) for row in found] == [
        (made(1).id, 0.85, True),
        (made(3).id, 0.997, False),
        (made(2).id, 1.3, False),
    ]
    assert found[0].model_dump() == {
        "candidate": made(1).id,
        "domain": "sat",
        "slots": dict(made(1).slots),
        "family": None,
        "ratio": 0.85,
        "low": 0.85 - 0.1,
        "high": 0.85 + 0.1,
        "confirmed": True,
        "run": run,
    }
    assert best(store, "sat", limit=1) == found[:1]
    assert best(store, "optim") == ()


def test_the_newest_verdict_counts(store: SqlStore, run: str) -> None:
    for ratio in (0.5, 0.95):
        store.record_verdict(run, held(made(1), sample_verdict(ratio)))
    row = next(row for row in best(store, "sat") if row.candidate == made(1).id)
    assert (row.ratio, row.confirmed) == (0.95, False)


def test_best_by_slot_lists_only_what_replaces_it(store: SqlStore, run: str) -> None:
    decayed = made(1).with_slots({"decay": "struct D {};"})
    store.record(sample_trial(run, 7, candidate=decayed, ratio=0.6))
    assert [row.candidate for row in best(store, "sat", slot="decay")] == [decayed.id]
    assert len(best(store, "sat", slot="restart_due")) == 4


def test_best_by_family_uses_the_verdict_on_it_and_otherwise_the_measurements(store: SqlStore, run: str) -> None:
    store.record_verdict(run, held(made(3), sample_verdict(1.0, {"langford": 0.6, "sgen": 1.2})))
    found = best(store, "sat", family="langford")
    assert [(row.candidate, row.confirmed, row.family) for row in found] == [
        (made(3).id, True, "langford"),
        (made(2).id, False, "langford"),
        (made(1).id, False, "langford"),
    ]
    assert found[1].ratio == pytest.approx(998 / 1000)
    assert [row.candidate for row in best(store, "sat", family="sgen")] == [made(3).id]
    assert best(store, "sat", family="unknown") == ()


def test_best_by_family_uses_the_newest_verdict_also_where_it_was_on_that_family_alone(
    store: SqlStore, run: str
) -> None:
    pairs = sample_pairs(made(3))
    (family,) = {pair.against.family for pair in pairs}
    store.record_verdict(run, held(made(3), sample_verdict(1.0, {family: 0.6, "sgen": 1.2})))
    store.record_verdict(None, held(made(3), sample_verdict(0.7), pairs=pairs))
    found = {row.candidate: row for row in best(store, "sat", family=family)}
    assert (found[made(3).id].ratio, found[made(3).id].confirmed) == (0.7, True)
    assert {row.candidate: row.ratio for row in best(store, "sat", family="sgen")} == {made(3).id: 1.2}


@pytest.mark.parametrize(
    ("cost", "outcome", "base", "base_outcome", "ratio"),
    [
        (100.0, Outcome.LIMIT, 100.0, Outcome.SOLVED, 2.0),
        (100.0, Outcome.LIMIT, 100.0, Outcome.LIMIT, 1.0),
        (50.0, Outcome.SOLVED, 100.0, Outcome.LIMIT, 0.25),
        (1.0, Outcome.SOLVED, 1e6, Outcome.SOLVED, 1 / CAP),
        (1e6, Outcome.SOLVED, 1.0, Outcome.SOLVED, CAP),
    ],
)
def test_best_by_family_charges_a_cut_run_twice_and_bounds_a_ratio(
    store: SqlStore, cost: float, outcome: Outcome, base: float, base_outcome: Outcome, ratio: float
) -> None:
    run = store.create_run(CONFIG, SUITE, {})
    for number, candidate, paid, how in ((0, BASELINE, base, base_outcome), (1, made(1), cost, outcome)):
        run_made = Measurement(
            candidate=candidate.id, instance="a1", family="langford", seed=1, outcome=how, cost=paid, cpu_s=1
        )
        store.record(sample_trial(run, number, candidate=candidate, measurements=(run_made,)))
    assert [row.ratio for row in best(store, "sat", family="langford")] == [pytest.approx(ratio)]


def test_a_lineage_reaches_back_to_the_baseline_across_runs(store: SqlStore, run: str) -> None:
    child, grandchild = (made(1).with_slots({"decay": text}) for text in ("one", "two"))
    other = store.create_run(CONFIG, SUITE, {})
    store.record(sample_trial(other, 0, candidate=child, parents=(made(1).id, made(2).id), operator="crossover"))
    store.record(sample_trial(other, 1, candidate=grandchild, parents=(child.id, "f00d")))
    store.record(sample_trial(other, 2, candidate=made(1), parents=(grandchild.id,), state=TrialState.REJECTED))
    graph = queries.lineage(store, grandchild.id)
    assert [(node.candidate, node.generation) for node in graph] == [
        (grandchild.id, 0),
        (child.id, 1),
        ("f00d", 1),
        (made(1).id, 2),
        (made(2).id, 2),
        (BASELINE.id, 3),
    ]
    by_id = {node.candidate: node for node in graph}
    assert by_id["f00d"].state == "unknown"
    assert (by_id[child.id].operator, by_id[child.id].run) == ("crossover", other)
    assert (by_id[made(1).id].run, by_id[made(1).id].number, by_id[made(1).id].state) == (run, 1, "scored")


def test_completions_are_the_lines_of_a_replay_file(store: SqlStore, run: str) -> None:
    calls = [sample_call(5, "propose"), sample_call(5, "repair"), sample_call(6)]
    for number, call in zip((5, 5, 6), calls, strict=True):
        store.record_call(run, number, call)
    lines = list(queries.completions(store, run))
    assert [json.loads(json.dumps(line)) for line in lines] == lines
    assert [line["stage"] for line in lines] == ["propose", "repair", "propose"]
    for line, call in zip(lines, calls, strict=True):
        messages = [[message["role"], message["content"]] for message in line["messages"]]
        assert line["key"] == call.prompt.id == content_id(messages, length=64)
        assert len(line["key"]) == len(hashlib.sha256().hexdigest())
        assert (line["answer"], line["model"]) == (call.completion.text, call.completion.model)
        assert (line["input_tokens"], line["output_tokens"], line["usd"]) == (10, 5, 0.01)


def test_the_id_of_another_kind_is_told_by_its_kind(store: SqlStore, run: str) -> None:
    with pytest.raises(UnknownId, match=f"'{run}' is a run, and a candidate is wanted"):
        queries.candidate(store, run)
