"""What is kept of earlier calls is what would be made anew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.types import Candidate, Terms
from slotforge.prompts.context import gather
from slotforge.prompts.latest import Latest

ASKED = st.tuples(st.integers(0, 4), st.integers(0, 2))  # a key, and a fact


@given(st.lists(ASKED), st.integers(1, 4))
def test_what_is_kept_is_what_the_function_makes_and_no_more_than_was_agreed(asked, most):
    kept: Latest[str] = Latest(most)
    made: list[tuple[int, int]] = []

    def make(key: int, *, fact: int) -> str:
        made.append((key, fact))
        return f"{key} {fact}"

    recent: dict[int, int] = {}
    for key, fact in asked:
        before, known = len(made), recent.pop(key, None) == fact
        assert kept.of(key, make, key, fact=fact) == f"{key} {fact}"
        assert len(made) == before + (not known)
        recent[key] = fact
        if len(recent) > most:
            del recent[next(iter(recent))]


@pytest.mark.parametrize("ratio", [0.5, 0.7])
def test_a_parent_is_told_as_it_was_measured_this_time(ratio, request_for, trial, slots):
    found = Candidate(domain="sat", slots={"restart_due": "// new"})
    baseline = trial(0, Candidate(domain="sat"), (1.0,))
    measured = trial(1, found, (1.0,)).model_copy(update={"ratio": ratio})

    def told(*parents):
        given = {"describe": "", "terms": Terms(), "slots": slots, "number": 1, "baseline": baseline}
        return gather(request_for(parents=(found,)), **given, parents=parents).parents[0].ratio

    assert [told(), told(measured), told()] == [None, ratio, None]
