"""What `show` tells of a step rule: its StepScore, and a drawing."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from slotforge.core.comparison import Pair
from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.types import Budget, Candidate, Measurement, Outcome, RunConfig, Suite, Trial, TrialState
from slotforge.lineage.records import CandidateDetails, Confirmation
from slotforge.lineage.store import open_store
from slotforge.search.verdict import verdict
from slotforge.service.cli import _step_score

RULE = Candidate(domain="optim", slots={"step": "a rule"})
REFERENCE = Candidate(domain="optim")


def measured(who: Candidate, instance: str, calls: float, build: str = "search") -> Measurement:
    stats = {"trials": 48.0 if build == "verdict" else 12.0, "calls_default": 2 * calls, "calls_12_trials": calls}
    stats |= {f"target_{k}": calls * k / 8 for k in range(1, 9)}
    return Measurement(
        candidate=who.id, instance=instance, family="f", seed=0, outcome=Outcome.SOLVED, cost=calls, cpu_s=0.1,
        stats=stats, build=build,
    )  # fmt: skip


def both(build: str = "search") -> _step_score.Both:
    names = [str(i) for i in range(8)]
    return [measured(RULE, n, 50, build) for n in names], [measured(REFERENCE, n, 100, build) for n in names]


def printed(told: _step_score.Both) -> str:
    console = Console(file=io.StringIO(), width=200)
    _step_score.print_scores(console, told)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_score_is_told_for_as_many_trials_as_were_spent() -> None:
    shown = [line.split()[:2] for line in printed(both()).splitlines()]
    assert ["1", "1.000"] in shown
    assert ["12", "2.000"] in shown
    assert not [line for line in shown if line[:1] == ["48"]]
    verdict_ = printed(both("verdict"))
    assert ["48", "2.000"] in [line.split()[:2] for line in verdict_.splitlines()]
    assert "accepted" in verdict_


def test_nothing_is_told_where_nothing_can_be_compared() -> None:
    assert printed(([], [])) == ""


def test_a_rule_is_drawn_beside_the_best_specialist(tmp_path: Path) -> None:
    _step_score.write_picture(tmp_path / "rule.svg", "abc", both())
    words = set(ElementTree.parse(tmp_path / "rule.svg").getroot().itertext())
    assert {"f", "anytime", "performance profiles", "this rule", "best specialist"} <= words


def test_what_was_not_measured_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="slotforge confirm abc"):
        _step_score.write_picture(tmp_path / "rule.svg", "abc", ([], []))
    with pytest.raises(SlotforgeError, match="cannot be written"):
        _step_score.write_picture(tmp_path / "none" / "rule.svg", "abc", both())


def confirmation(against: Candidate) -> Confirmation:
    pairs = tuple(Pair(candidate=a, against=b) for a, b in zip(*both("verdict"), strict=True))
    return Confirmation(
        run=None, candidate=RULE.id, against=against.id, at=datetime(2026, 1, 1, tzinfo=UTC),
        verdict=verdict(pairs, by_cpu=False), environment={}, pairs=pairs,
    )  # fmt: skip


def details(*confirmations: Confirmation, trials: tuple[Trial, ...] = ()) -> CandidateDetails:
    return CandidateDetails(id=RULE.id, candidate=RULE, trials=trials, confirmations=confirmations, artefacts=())


def test_a_verdict_against_the_reference_is_told_before_the_search() -> None:
    nowhere: Any = None
    told = _step_score.compared(nowhere, details(confirmation(REFERENCE)))
    assert {m.build for m in told[0]} == {"verdict"}
    assert {m.candidate for m in told[1]} == {REFERENCE.id}
    assert _step_score.compared(nowhere, details(confirmation(RULE))) == ([], [])


def test_show_prints_the_score_of_a_rule_from_its_search_and_draws_it(tmp_path: Path, cli: Any) -> None:
    place = tmp_path / "store.db"
    config = RunConfig(domain="optim", instances=("f",), slots=("step",), budget=Budget(evals=1))
    own, best = both()
    with open_store(place) as store:
        run = store.create_run(config, Suite(search=(), select=(), holdout=()), {})
        for number, (candidate, told) in enumerate(((REFERENCE, best), (RULE, own))):
            store.record(
                Trial(
                    run=run, number=number, operator="default", slots=tuple(candidate.slots), parents=(),
                    state=TrialState.SCORED, candidate=candidate, ratio=1.0, instances=8, measurements=tuple(told),
                )
            )  # fmt: skip
    shown = cli("show", RULE.id, "--plot", tmp_path / "rule.svg", "--store", place)
    assert shown.code == 0, shown.err
    assert "StepScore" in shown.out
    assert ElementTree.parse(tmp_path / "rule.svg").getroot().tag.endswith("svg")
    told = cli("show", RULE.id, "--json", "--store", place)
    scores = json.loads(told.out)["step_scores"]
    assert [one["trials"] for one in scores] == [1, 12]
    assert all(one["low"] <= one["score"] <= one["high"] and one["verdict"] is None for one in scores)
    assert all(set(one["families"]) == {"f"} and one["problems"] == 8 for one in scores)
