"""confirm: paired measurement on instances that the search has not seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from slotforge.core.comparison import Held, Pair, Verdict
from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Candidate, Instance, Measurement, Outcome, RunConfig, TrialState
from slotforge.lineage import queries
from slotforge.lineage.best import best as best_of
from slotforge.lineage.confirmed import confirmed
from slotforge.lineage.store import open_store
from slotforge.search import confirm
from slotforge.search.verdict import verdict
from slotforge.solvers.sat.domain import Sat
from slotforge.testing import landscape
from slotforge.testing.store_samples import sample_trial

from .conftest import Answer, Command, Found

FRESH = ("--instances", "hills,dunes", "--per-family", "15", "--workers", "1")


def test_the_verdict_is_printed_and_kept(cli: Command, copied: Found) -> None:
    document = cli("confirm", copied.winner, *FRESH, "--store", copied.store, "--json").json
    assert document["candidate"] == copied.winner
    assert document["against"] == copied.baseline
    assert set(document) == {"candidate", "against", "controls", *Verdict.model_fields}
    assert document["verdict"] == "better"
    assert document["instances"] == 30
    assert set(document["families"]) == {"hills", "dunes"}
    with open_store(copied.store) as store:
        kept = queries.show_candidate(store, copied.winner).confirmations[-1]
        told = kept.verdict.model_dump(mode="json")
        assert told == {k: v for k, v in document.items() if k not in ("candidate", "against", "controls")}
        assert verdict(kept.pairs) == kept.verdict
        assert len(kept.pairs) == 30
        assert kept.environment == {"landscape": "1"}


def test_the_table_names_families_and_verdict(cli: Command, copied: Found) -> None:
    answer = cli("confirm", copied.winner[:9], *FRESH, "--store", copied.store)
    assert answer.code == 0
    for text in ("hills", "dunes", "95 % interval", "better", "proofs checked"):
        assert text in answer.out
    assert "measuring side by side" in answer.err


def test_what_the_search_has_seen_is_left_out_and_said(cli: Command, copied: Found) -> None:
    same = ("--instances", "hills,dunes", "--per-family", "25", "--workers", "1", "--seed", "0")
    answer = cli("confirm", copied.winner, *same, "--store", copied.store, "--json")
    assert "seen by the search: 30 of 50 instances left out" in answer.err
    assert "20 instances were the holdout of its run already" in answer.err
    assert answer.json["instances"] == 20


def test_too_few_instances_are_said_before_they_are_measured(cli: Command, copied: Found) -> None:
    few = ("--instances", "hills", "--per-family", "4", "--workers", "1")
    answer = cli("confirm", copied.winner, *few, "--store", copied.store, "--json")
    assert "4 instances to compare on: with fewer than 6 no difference can reach p < 0.05; 6 instances" in answer.err
    assert answer.json["verdict"] == "no difference"
    assert any("fewer than 6" in note for note in answer.json["notes"])


def test_two_candidates_can_be_held_against_each_other(cli: Command, copied: Found) -> None:
    with open_store(copied.store) as store:
        other = Candidate(domain=landscape.NAME, slots={"alpha": "0.1"})
        verdict = Verdict(ratio=1, low=1, high=1, p=1, instances=1, verdict="no difference", cpu_ratio=1)
        store.record_verdict(None, Held(candidate=other, against=Candidate(domain=landscape.NAME), verdict=verdict))
    document = cli("confirm", other.id, "--against", copied.winner, *FRESH, "--store", copied.store, "--json").json
    assert document["verdict"] == "worse"
    assert document["against"] == copied.winner


@pytest.mark.parametrize("outcome", ["wrong", "crash", "timeout"])
def test_a_refuted_candidate_is_one_line_an_event_and_exit_1(
    cli: Command, copied: Found, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    right = landscape.Landscape.measure

    def measure(self: landscape.Landscape, candidate: Candidate, *arguments: object, **options: object) -> Measurement:
        made = right(self, candidate, *arguments, **options)  # type: ignore[arg-type]
        bad = candidate.slots and made.instance.startswith(("a", "b", "c"))
        return made.model_copy(update={"outcome": Outcome(outcome), "reason": "as told"}) if bad else made

    monkeypatch.setattr(landscape.Landscape, "measure", measure)
    answer = _inline(cli, monkeypatch, "confirm", copied.winner, *FRESH, "--store", copied.store, "--json")
    assert answer.code == 1
    assert answer.out == ""
    last = answer.err.splitlines()[-1]
    assert last.startswith(f"slotforge: candidate {copied.winner} is refuted: {outcome.upper()} on ")
    with open_store(copied.store) as store:
        event = queries.show_run(store, copied.report.run).events[-1]
        assert event.kind == "refuted"
        assert event.facts["outcome"] == outcome
        assert event.facts["candidate"] == copied.winner
        assert event.facts["why"] == last.removeprefix("slotforge: ")
        of_search, of_this = queries.show_candidate(store, copied.winner).confirmations
        assert of_search.verdict.verdict == "better"
        assert (of_this.run, of_this.verdict.refuted, len(of_this.pairs)) == (copied.report.run, True, 1)
        (best, *_) = best_of(store, landscape.NAME)
        assert (best.candidate, best.confirmed) != (copied.winner, True)
        assert copied.winner not in {one.candidate.id for one in confirmed(store, landscape.NAME)}
        trials = store.trials(copied.report.run).values()
        states = {trial.state for trial in trials if trial.candidate and trial.candidate.id == copied.winner}
        assert states == {TrialState.SCORED}


def test_a_baseline_that_fails_itself_does_not_refute_the_candidate(
    cli: Command, copied: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = landscape.Landscape.measure

    def measure(self: landscape.Landscape, candidate: Candidate, *arguments: object, **options: object) -> Measurement:
        made = right(self, candidate, *arguments, **options)  # type: ignore[arg-type]
        return made if candidate.slots else made.model_copy(update={"outcome": Outcome.CRASH})

    monkeypatch.setattr(landscape.Landscape, "measure", measure)
    answer = _inline(cli, monkeypatch, "confirm", copied.winner, *FRESH, "--store", copied.store)
    assert answer.code == 2
    assert answer.err.count("not solved by the baseline: ") == 30
    assert "no instance is left to compare on" in answer.err.splitlines()[-1]
    with open_store(copied.store) as store:
        assert [event.kind for event in store.events(copied.report.run)] == ["started", "finished"]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("baseline", "--instances", "a"), 2, "choose another"),
        (("ffffffffff", "--instances", "a"), 2, "ffffffffff"),
        (("baseline",), 2, "--instances"),
        (("baseline", "--instances", "a", "--per-family", "1"), 2, "--per-family"),
    ],
)
def test_a_bad_request_is_one_line(
    cli: Command, found: Found, arguments: tuple[str, ...], code: int, word: str
) -> None:
    answer = cli("confirm", *arguments, "--store", found.store)
    assert answer.code == code
    assert word in answer.error


def test_a_source_that_the_domain_refuses_is_not_run(cli: Command, copied: Found) -> None:
    with open_store(copied.store) as store:
        trials = store.trials(copied.report.run).values()
        refused = next(t.candidate for t in trials if t.candidate and "is no number" in t.reason)
    answer = cli("confirm", refused.id, *FRESH, "--store", copied.store)
    assert answer.code == 2
    assert "is no number between 0 and 1" in answer.error


def _inline(cli: Command, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Answer:
    """Run with workers in this process, so that what a test replaced is in force."""
    from slotforge.search.executors import inline, process

    monkeypatch.setattr(process, "executor", inline.executor)
    return cli(*arguments)


def test_a_sat_heuristic_is_confirmed_with_proofs_on_fresh_formulas(cli: Command) -> None:
    """End to end: deployment builds of both, generated formulas, every answer checked."""
    arguments = ("--instances", "ksat:60,tseitin:16", "--per-family", "3", "--workers", "1")
    document = cli("confirm", "restart_due=Luby", *arguments, "--json").json
    assert document["instances"] == 6
    assert document["proofs"] + document["models"] == 12
    assert document["proofs"] >= 6


def test_twins_of_what_the_search_has_seen_are_measured(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[Instance]] = []

    async def measure_pairs(*arguments: list[Instance], **_: object) -> list[Pair]:
        asked.append(arguments[3])
        raise SlotforgeError("measured elsewhere")

    monkeypatch.setattr(confirm, "measure_pairs", measure_pairs)
    domain = Sat()
    suite = domain.suite(["ksat:40"], seed=0, options={"per_family": 4})
    candidate = Candidate(domain="sat", slots={"restart_due": domain.slots()["restart_due"].variants["Luby"]})
    with open_store(tmp_path / "store.db") as store:
        run = store.create_run(RunConfig(domain="sat", instances=("ksat:40",)), suite, {})
        store.record(sample_trial(run, 1, candidate=candidate))
    same = ("--instances", "ksat:40", "--per-family", "4", "--seed", "0", "--store", tmp_path / "store.db")
    assert "seen by the search: 3 of 4 instances left out" in cli("confirm", candidate.id, *same).err
    assert "left out" not in cli("confirm", candidate.id, *same, "--twins").err
    assert [len(instances) for instances in asked] == [1, 4]
    seen = {i.id for i in suite.search + suite.select + suite.holdout}
    assert not seen & {i.id for i in asked[1]}


def test_a_verdict_on_twins_or_on_an_opened_holdout_is_shown_and_not_kept(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def measure_pairs(_: object, one: Candidate, other: Candidate, *__: object, **___: object) -> list[Pair]:
        return [Pair(candidate=_solved(one, n, 50), against=_solved(other, n, 100)) for n in range(8)]

    monkeypatch.setattr(confirm, "measure_pairs", measure_pairs)
    domain = Sat()
    suite = domain.suite(["ksat:40"], seed=0, options={"per_family": 4})
    candidate = Candidate(domain="sat", slots={"restart_due": domain.slots()["restart_due"].variants["Luby"]})
    with open_store(tmp_path / "store.db") as store:
        run = store.create_run(RunConfig(domain="sat", instances=("ksat:40",)), suite, {})
        store.record(sample_trial(run, 1, candidate=candidate))
    common = ("confirm", candidate.id, "--instances", "ksat:40", "--per-family", "4", "--store", tmp_path / "store.db")
    assert "shuffled twins" in cli(*common, "--seed", "0", "--twins").err
    assert "give others" in cli(*common, "--seed", "0").err
    with open_store(tmp_path / "store.db") as store:
        assert not queries.show_candidate(store, candidate.id).confirmations
    cli(*common, "--seed", "5")
    with open_store(tmp_path / "store.db") as store:
        assert len(queries.show_candidate(store, candidate.id).confirmations) == 1


def _solved(candidate: Candidate, number: int, cost: float) -> Measurement:
    return Measurement(
        candidate=candidate.id,
        instance=f"i{number}",
        family="f",
        seed=0,
        outcome=Outcome.SOLVED,
        cost=cost + number,
        cpu_s=1,
        evidence="proof",
    )
