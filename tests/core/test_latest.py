"""What is kept of earlier calls is what would be made anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.latest import Latest

ASKED = st.tuples(st.integers(0, 4), st.integers(0, 2))  # a key, and a fact


@given(st.lists(ASKED), st.integers(1, 4))
def test_what_is_kept_is_what_the_function_makes_and_no_more_than_was_agreed(asked, most):
    kept: Latest[str] = Latest(most)
    made: list[tuple[int, int]] = []

    def make(key: int, fact: int) -> str:
        made.append((key, fact))
        return f"{key} {fact}"

    recent: dict[int, int] = {}
    for key, fact in asked:
        before, known = len(made), recent.pop(key, None) == fact
        assert kept.of(key, make, key, fact) == f"{key} {fact}"
        assert len(made) == before + (not known)
        recent[key] = fact
        if len(recent) > most:
            del recent[next(iter(recent))]
