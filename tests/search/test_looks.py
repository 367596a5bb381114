"""Who looks again, or looks at many candidates on the same instances, finds nothing by luck that one look would not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slotforge.core.types import Budget, Candidate, Measurement, Outcome
from slotforge.lineage.store import SqlStore, open_store
from slotforge.search.confirm import Confirmation, Refuted, measure_pairs, unless_contradicted
from slotforge.search.discover import Discovery
from slotforge.search.executors.inline import executor
from slotforge.search.observer import Silent
from slotforge.testing.hills import config
from slotforge.testing.landscape import NAME, Landscape

BASELINE = Candidate(domain=NAME)
WORSE = [Candidate(domain=NAME, slots={"alpha": f"0.0{place}"}) for place in range(3)]


class Noting(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with open_store(tmp_path / "s.db") as opened:
        yield opened


def confirmation(candidate: Candidate, *specs: str, seed: int = 5, observer: Silent | None = None) -> Confirmation:
    return Confirmation(
        candidate=candidate,
        against=BASELINE,
        specs=specs or ("hills", "dunes"),
        seed=seed,
        per_family=10,
        executor="inline",
        observer=observer or Silent(),
    )


def found(store: SqlStore, seed: int = 0) -> Candidate:
    options = {"per_family": 15, "tuned_baseline": False}
    report = Discovery(config=config(budget=Budget(evals=12), seed=seed, options=options), store=store).run()
    winner = next(one.candidate for one in store.verdicts(report.run) if one.candidate.id == report.best.candidate)
    assert report.holdout is not None
    return winner


def test_candidates_one_after_the_other_on_the_same_instances_count_against_each_other(store: SqlStore) -> None:
    winner = found(store)
    once = confirmation(winner).judge(store).verdict.p
    for worse in WORSE:
        assert confirmation(worse).run(store).verdict.verdict != "better"
    judged = confirmation(winner).judge(store).verdict
    assert judged.p == pytest.approx(min(1.0, 8 * once))
    assert any("3 earlier verdicts on this candidate or on these instances" in note for note in judged.notes)
    assert confirmation(winner, seed=6).judge(store).verdict.notes == ()  # other instances, another candidate


def test_a_search_on_a_holdout_split_that_was_looked_at_in_vain_is_judged_as_one_look_more(
    store: SqlStore, tmp_path: Path
) -> None:
    made = config(budget=Budget(evals=12), options={"per_family": 15, "tuned_baseline": False})
    with open_store(tmp_path / "other.db") as other:
        first = Discovery(config=made, store=other).run()
        held = other.verdicts(first.run)[0]
    in_vain = held.verdict.model_copy(update={"verdict": "no difference"})
    store.record_verdict(None, held.model_copy(update={"candidate": WORSE[0], "verdict": in_vain}))
    second = Discovery(config=made, store=store).run()
    third = Discovery(config=made, store=store).run()
    assert first.holdout is not None
    assert second.holdout is not None
    assert third.holdout is not None
    assert second.best == third.best == first.best
    assert second.holdout.p == third.holdout.p == pytest.approx(2 * first.holdout.p)


class Leaving(Silent):
    def begin(self, what: str, total: int | None) -> None:  # noqa: ARG002
        if what.startswith("taking the winner"):
            raise KeyboardInterrupt


def test_a_look_at_the_holdout_split_counts_for_others_before_its_run_has_ended(store: SqlStore) -> None:
    made = config(budget=Budget(evals=12), options={"per_family": 15, "tuned_baseline": False})
    with pytest.raises(KeyboardInterrupt):
        Discovery(config=made, store=store, observer=Leaving()).run()
    second = Discovery(config=made.model_copy(update={"strategy": "best_of_n"}), store=store).run()
    assert second.holdout is not None
    assert any(note.startswith("1 earlier run held a winner") for note in second.holdout.notes)


def measurement(answer: str, evidence: str = "", outcome: Outcome = Outcome.SOLVED) -> Measurement:
    return Measurement(
        candidate="c",
        instance="i",
        family="f",
        seed=0,
        outcome=outcome,
        cost=1,
        cpu_s=1,
        answer=answer,
        evidence=evidence,
    )


@pytest.mark.parametrize(
    ("own", "other", "wrong"),
    [
        (measurement("unsat"), measurement("sat", "model"), True),
        (measurement("sat", "model"), measurement("unsat"), False),
        (measurement("unsat"), measurement("unsat", "proof"), False),
        (measurement("unsat"), measurement("unsat"), False),
        (measurement("unsat"), measurement("unknown", outcome=Outcome.LIMIT), False),
        (measurement("unknown", outcome=Outcome.LIMIT), measurement("sat", "model"), False),
    ],
)
def test_an_answer_without_evidence_is_wrong_where_another_is_confirmed(
    own: Measurement, other: Measurement, wrong: bool
) -> None:
    judged = unless_contradicted(own, other)
    assert (judged.outcome is Outcome.WRONG) == wrong
    assert (judged == own) != wrong


@pytest.mark.parametrize("candidate_first", [True, False])
def test_a_candidate_that_the_baseline_contradicts_is_refuted_whoever_goes_first(
    monkeypatch: pytest.MonkeyPatch, candidate_first: bool
) -> None:
    """No proof could be checked in time, and the baseline has a model."""
    right = Landscape.measure

    def measure(self: Landscape, candidate: Candidate, *arguments: Any, **options: Any) -> Measurement:
        made = right(self, candidate, *arguments, **options)
        return made.model_copy(update={"answer": "unsat", "evidence": ""} if candidate.slots else {"evidence": "model"})

    monkeypatch.setattr(Landscape, "measure", measure)
    instances = Landscape().suite(("a",), seed=1, options={"per_family": 10}).search[candidate_first:]
    with pytest.raises(Refuted, match="answered unsat, but it is sat"):
        asyncio.run(measure_pairs(executor(1), WORSE[0], BASELINE, instances[:2], seeds=(0,)))
