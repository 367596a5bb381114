"""What the spec of a model tells by itself."""

from __future__ import annotations

import pytest

from slotforge.core.specs import free


@pytest.mark.parametrize("model", ["offline", "replay:answers.jsonl", "replay:00ff00ff,offline", "offline, replay:a"])
def test_variation_and_recordings_are_free(model: str) -> None:
    assert free(model)


@pytest.mark.parametrize("model", ["openai:any", "replay:a,openai:any", "openai:any, offline", "replayed", ""])
def test_an_ensemble_with_a_paid_member_is_not(model: str) -> None:
    assert not free(model)
