"""The profile of a run: where its ticks went, and what the policies answered."""

from __future__ import annotations

from .conftest import Solve, pigeons

PARTS = ("propagate", "analyze", "bump", "reduce", "inprocess")


def test_the_ticks_of_the_parts_are_those_of_the_run(solve: Solve) -> None:
    document = solve(pigeons(8)).document
    parts = {name: document[f"ticks_{name}"] for name in PARTS}
    assert sum(parts.values()) == document["ticks"]
    assert min(parts["propagate"], parts["analyze"], parts["bump"], parts["reduce"]) > 0


def test_answers_are_counted_as_often_as_what_they_lead_to(solve: Solve) -> None:
    document = solve(pigeons(8)).document
    assert document["slot_restart_due_calls"] == document["conflicts"]
    assert document["slot_restart_action_calls"] == document["restarts"]
    assert document["slot_score_clauses_calls"] == document["reductions"]
    assert document["slot_rephase_action_calls"] == document["rephases"]
    asked_for = document["slot_restart_due_mean"] * document["conflicts"]
    assert document["restarts"] <= asked_for + 1e-6
    assert 0 < document["slot_score_clauses_mean"] <= 1
    assert 0 < document["trail"] <= 8 * 9


def test_the_profile_knows_every_slot(solve: Solve) -> None:
    from slotforge.solvers.sat.slot import slots

    document = solve(pigeons(5)).document
    told = {name.removeprefix("slot_").removesuffix("_calls") for name in document if name.endswith("_calls")}
    assert told == set(slots())
