"""A contest: equal trials for all, nothing broken counts, and no more is believed than was answered."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.errors import BuildError
from slotforge.core.types import Candidate, Instance, Outcome
from slotforge.solvers.optim import builtin, case, measure
from slotforge.solvers.optim.instances import Problem
from slotforge.solvers.optim.runs import TARGETS
from slotforge.solvers.optim.serve.workers import Reply
from slotforge.solvers.optim.tune import ALL, FIRST

PROBLEM = Problem(family="least_squares", knobs={"d": 50, "kappa": 100, "clusters": 0}, seed=1)
SGD = Candidate(domain="optim", slots=builtin.named("sgd"))
SGD_DEFAULT = builtin.numbers(case.family("least_squares"), SGD.slots)["step.lr"].default
Answers = Callable[[Mapping[str, Any]], Reply]


class Scripted:
    """Stands for the process of a candidate: answers by a function of the question, and keeps the questions."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.asked = answers, []

    def ask(self, _: str, ask: Mapping[str, Any], **__: object) -> Reply:
        self.asked.append(ask)
        return self.answers(ask)


def answered(ask: Mapping[str, Any], calls: Callable[[int, Mapping[str, float]], float], **fields: Any) -> Reply:
    """Say that each trial reaches target k after calls(k, numbers), 0 for never."""
    hits = [[[calls(k, hp)] * len(ask["seeds"]) for hp in ask["hps"]] for k in range(TARGETS)]
    prices = dict.fromkeys((*measure.PRICES, *measure.TIMES), 1.0)
    count = len(ask["hps"])
    told = {"hits": hits, "progress": [4.0] * count, "least": [0.1] * count, "disagrees": "", **prices, **fields}
    return Reply(outcome="answered", answer=told, cpu_s=0.5)


def contest(monkeypatch: pytest.MonkeyPatch, answers: Answers, *, fused: bool = False) -> tuple[Any, Scripted]:
    """Run one on least squares."""
    process = Scripted(answers)
    monkeypatch.setattr(measure, "workers", lambda: process)
    made = measure.Contest(candidate=SGD, sources=SGD.slots, problem=PROBLEM, seed=0, fused=fused, limit=None)
    made.run()
    return made, process


@pytest.mark.parametrize(("fused", "trials"), [(False, FIRST), (True, ALL)])
def test_every_contest_has_the_same_number_of_trials(monkeypatch: pytest.MonkeyPatch, fused: bool, trials: int) -> None:
    made, process = contest(monkeypatch, lambda ask: answered(ask, lambda k, _: 10.0 * (k + 1)), fused=fused)
    assert len(made.trials) == sum(len(ask["hps"]) for ask in process.asked) == trials
    assert made.cpu_s == 0.5 * len(process.asked)


def test_a_verdict_counts_calls_to_the_goal_of_the_best_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    def calls(k: int, hp: Mapping[str, float]) -> float:
        return (k + 1) * (10 + abs(math.log10(hp["step.lr"]) + 2))

    made, _ = contest(monkeypatch, lambda ask: answered(ask, calls), fused=True)
    least = min(calls(TARGETS - 1, hp) for hp in made.trials)
    assert made.cost == pytest.approx(least)
    assert made.outcome is Outcome.SOLVED
    assert made.stats()["best step.lr"] == made.trials[made.best]["step.lr"]
    assert made.stats()["calls_default"] >= made.stats()[f"calls_{FIRST}_trials"] >= made.cost


@pytest.mark.parametrize("needs", [90.0, 0.0])
def test_a_verdict_says_what_the_defaults_need_by_themselves(monkeypatch: pytest.MonkeyPatch, needs: float) -> None:
    """In a lot they are cut off where the best trial has got there."""

    def answers(ask: Mapping[str, Any]) -> Reply:
        alone = len(ask["hps"]) == 1
        default = SGD_DEFAULT in [hp["step.lr"] for hp in ask["hps"]]
        return answered(
            ask, lambda _, hp: needs if alone and default else 0.0 if hp["step.lr"] == SGD_DEFAULT else 30.0
        )

    made, process = contest(monkeypatch, answers, fused=True)
    assert "calls_default" not in made.stats()
    made.run_untuned()
    last = process.asked[-1]
    assert (last["budget"], last["seeds"]) == (made.budget, process.asked[0]["seeds"])
    assert made.stats().get("calls_default") == (needs or None)
    assert made.stats()["missed_default"] == float(not needs)
    count = len(process.asked)
    made.untuned, made.hits[-1, 0] = None, 30.0
    made.run_untuned()
    assert len(process.asked) == count


def test_defaults_that_break_by_themselves_leave_the_verdict_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(ask: Mapping[str, Any]) -> Reply:
        if len(ask["hps"]) == 1:
            return Reply(outcome="timeout", reason="too slow")
        return answered(ask, lambda _, hp: 0.0 if hp["step.lr"] == SGD_DEFAULT else 30.0)

    made, _ = contest(monkeypatch, answers, fused=True)
    made.run_untuned()
    assert (made.outcome, made.cost, made.reason) == (Outcome.SOLVED, 30.0, "")
    assert "missed_default" not in made.stats()


def test_a_goal_that_no_trial_reaches_is_an_answer_in_a_search_and_none_in_a_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    half = lambda ask: answered(ask, lambda k, _: 10.0 * (k + 1) if k < TARGETS // 2 else 0.0)  # noqa: E731
    search, _ = contest(monkeypatch, half)
    verdict, _ = contest(monkeypatch, half, fused=True)
    assert (search.outcome, verdict.outcome) == (Outcome.SOLVED, Outcome.LIMIT)
    assert verdict.cost == verdict.budget
    assert search.stats()["reached"] == 0.5
    full, _ = contest(monkeypatch, lambda ask: answered(ask, lambda k, _: 10.0 * (k + 1)))
    assert full.cost < search.cost


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(outcome="crash", reason="signal 11"), Outcome.CRASH),
        (Reply(outcome="timeout", reason="too slow"), Outcome.TIMEOUT),
        (Reply(outcome="memory", reason="too large"), Outcome.TOO_LARGE),
        (Reply(outcome="answered", answer={}), Outcome.CRASH),
    ],
)
def test_what_breaks_is_no_result_and_is_asked_nothing_more(
    monkeypatch: pytest.MonkeyPatch, reply: Reply, outcome: Outcome
) -> None:
    made, process = contest(monkeypatch, lambda _: reply, fused=True)
    assert made.outcome is outcome
    assert not made.reached
    assert made.reason
    assert len(process.asked) == 1


@pytest.mark.parametrize("hits", [[], [[[1.0]]], "many", [[["x"] * 1] * FIRST] * TARGETS, None])
def test_hits_of_another_form_are_no_answer(monkeypatch: pytest.MonkeyPatch, hits: object) -> None:
    made, _ = contest(monkeypatch, lambda ask: answered(ask, lambda *_: 1.0, hits=hits))
    assert made.outcome is Outcome.CRASH


def test_a_rule_that_the_reference_contradicts_is_wrong_however_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = contest(monkeypatch, lambda ask: answered(ask, lambda *_: 1.0, disagrees="by 3 at step 2"))
    assert (made.outcome, made.reason) == (Outcome.WRONG, "by 3 at step 2")


def test_a_rule_that_does_not_run_is_a_failed_build(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BuildError, match="line 7"):
        contest(monkeypatch, lambda _: Reply(outcome="refused", reason="line 7: shapes"))


@pytest.mark.parametrize(("calls", "evidence"), [(20.0, "model"), (None, "")])
def test_only_what_the_reference_reaches_as_well_has_evidence(
    monkeypatch: pytest.MonkeyPatch, calls: float | None, evidence: str
) -> None:
    def answers(ask: Mapping[str, Any]) -> Reply:
        if ask["what"] == "verify":
            assert ask["budget"] == pytest.approx(measure.ALIKE * 80 + made_of["stride"])
            return Reply(outcome="answered", answer={"calls": calls})
        return answered(ask, lambda k, _: 10.0 * (k + 1))

    made_of = {"stride": measure.case.family(PROBLEM.family).stride}
    made, process = contest(monkeypatch, answers, fused=True)
    made.verify()
    assert made.evidence == evidence
    assert [ask["what"] for ask in process.asked].count("verify") == 1


def test_without_slots_the_best_of_the_specialists_stands_for_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Scripted(lambda ask: answered(ask, lambda k, _: 10.0 * (k + 1)))
    monkeypatch.setattr(measure, "workers", lambda: process)
    monkeypatch.setattr(measure, "read", lambda _: PROBLEM)
    instance = Instance(id="i", name="i", family="least_squares", path="")
    nobody = Candidate(domain="optim")
    made = measure.run(nobody, instance, seed=0, limit=None, prove=False, fused=False)
    known = measure.case.frozen(measure.case.family(PROBLEM.family), PROBLEM.knobs)
    assert process.asked[0]["slots"] == dict(builtin.named(known.specialists[0]))
    assert (made.candidate, made.outcome, made.stats["target_8"]) == (nobody.id, Outcome.SOLVED, 80)


@given(st.lists(st.floats(1, 1e4), min_size=TARGETS, max_size=TARGETS), st.integers(0, TARGETS - 1))
def test_a_target_that_is_missed_never_makes_a_search_cheaper(calls: list[float], missed: int) -> None:
    def cost(reached: np.ndarray) -> float:
        made = measure.Contest(
            candidate=SGD, sources=SGD.slots, problem=PROBLEM, seed=0, fused=False, limit=None, hits=reached[:, None]
        )
        return made.cost

    times = np.minimum(np.sort(np.array(calls)), 200.0)
    fewer = times.copy()
    fewer[missed:] = np.inf
    assert cost(times) <= cost(fewer)
