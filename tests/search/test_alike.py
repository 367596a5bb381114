"""Candidates behave alike when they cost the same and, where a domain tells it, answer the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slotforge.core.types import DIGEST, Budget, Candidate, Measurement, Outcome
from slotforge.search.race import signature
from slotforge.testing import landscape
from slotforge.testing.hills import config, discover
from slotforge.testing.landscape import Landscape

COST = 50_000.0


def run(cost: float, digest: float | None = None) -> Measurement:
    stats = {} if digest is None else {DIGEST: digest}
    facts: dict[str, Any] = {"candidate": "c", "instance": "i", "family": "f", "seed": 0, "cpu_s": 0.1}
    return Measurement(**facts, outcome=Outcome.SOLVED, cost=cost, stats=stats)


def test_candidates_of_equal_cost_that_answer_differently_are_told_apart() -> None:
    assert signature([run(3, 1), run(3, 2)]) == signature([run(3, 1), run(3, 2)])
    assert signature([run(3, 1), run(3, 2)]) != signature([run(3, 1), run(3, 4)])
    assert signature([run(3, 1)]) != signature([run(4, 1)])


def test_where_no_answers_are_told_costs_decide() -> None:
    assert signature([run(3), run(5)]) == signature([run(3), run(5)])
    assert signature([run(3), run(5)]) != signature([run(3), run(4)])


@pytest.mark.parametrize("told", [True, False])
def test_a_search_refuses_no_move_on_a_plateau_unless_nothing_tells_it_from_a_repetition(
    told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Landscape.measure

    def measure(self: Landscape, candidate: Candidate, *rest: Any, **options: Any) -> Measurement:
        digest = {DIGEST: float(int(candidate.id[:12], 16))} if told else {}
        return plain(self, candidate, *rest, **options).model_copy(update={"stats": digest})

    monkeypatch.setattr(Landscape, "cost", lambda *_: COST)
    monkeypatch.setattr(Landscape, "measure", measure)
    options = {"per_family": 5, "start": "default", "tuned_baseline": False}
    _, trials = discover(tmp_path / "s.db", config(budget=Budget(evals=6), strategy="random", options=options))
    refused = [number for number, trial in trials.items() if "behaves exactly as" in str(trial[3])]
    assert refused == ([] if told else [1, 2, 3, 4, 5, 6])


def test_candidates_that_are_cut_at_the_limit_everywhere_are_no_copies_of_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Landscape.measure
    best: list[str] = []

    def measure(self: Landscape, candidate: Candidate, instance: Any, *rest: Any, **options: Any) -> Measurement:
        found = plain(self, candidate, instance, *rest, **options)
        best.append(candidate.id)
        if candidate.id == best[0]:
            return found.model_copy(update={"outcome": Outcome.SOLVED, "cost": COST})
        return found.model_copy(update={"outcome": Outcome.LIMIT, "cost": 3 * COST})

    monkeypatch.setattr(Landscape, "measure", measure)
    options = {"per_family": 5, "start": "default", "tuned_baseline": False}
    _, trials = discover(tmp_path / "s.db", config(budget=Budget(evals=6), strategy="random", options=options))
    assert [number for number, trial in trials.items() if "behaves exactly as" in str(trial[3])] == []


def test_a_copy_of_what_was_raced_out_is_refused_for_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landscape, "NOISE", 0.0)  # which is of the text
    monkeypatch.setattr(Landscape, "vary", lambda _, request, rng: dict.fromkeys(request.slots, "0.250"))  # noqa: ARG005
    options = {"per_family": 25, "tuned_baseline": False}
    made = config(slots=("alpha",), strategy="random", budget=Budget(evals=1), options=options)
    _, trials = discover(tmp_path / "s.db", made)
    assert "behaves exactly as a built-in policy that was raced before the search" in str(trials[1][3])
