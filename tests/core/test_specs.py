"""What the spec of a model tells by itself."""

from __future__ import annotations

from typing import Any

import pytest

from slotforge.core.specs import free
from slotforge.core.types import Budget, RunConfig


@pytest.mark.parametrize("model", ["offline", "replay:answers.jsonl", "replay:00ff00ff,offline", "offline, replay:a"])
def test_variation_and_recordings_are_free(model: str) -> None:
    assert free(model)


@pytest.mark.parametrize("model", ["openai:any", "replay:a,openai:any", "openai:any, offline", "replayed", ""])
def test_an_ensemble_with_a_paid_member_is_not(model: str) -> None:
    assert not free(model)


@pytest.mark.parametrize(
    ("model", "limits", "evals"),
    [
        ("offline", {}, 100),
        ("offline", {"usd": 0.0}, 100),
        ("offline", {"usd": 5.0, "tokens": 1000}, 100),
        ("offline, replay:a", {"tokens": 1000}, 100),
        ("offline", {"time_s": 60.0, "usd": 5.0}, None),
        ("offline", {"evals": 7, "usd": 5.0}, 7),
        ("openai:any", {}, 100),
        ("openai:any", {"usd": 5.0}, None),
        ("offline,openai:any", {"tokens": 1000}, None),
        ("replay:a", {"usd": 5.0}, None),  # it ends with its answers
    ],
)
def test_a_search_that_nothing_else_ends_has_the_usual_number_of_evaluations(
    model: str, limits: dict[str, Any], evals: int | None
) -> None:
    made = RunConfig(domain="sat", instances=("a",), model=model, budget=Budget(**limits))
    assert made.budget.evals == evals
    assert made.budget.model_copy(update={"evals": None}) == Budget(**limits).model_copy(update={"evals": None})
