"""Feedback by traces: slots in turn, the incumbent with the last attempt that lost, and nothing else."""

from __future__ import annotations

from slotforge.core.types import Request, TrialState
from slotforge.search.strategies.trace import Trace

from .hand_made import archive, lead, parents


def test_slots_take_turns() -> None:
    asked = lead(Trace(patience=2), archive(slots=("alpha", "beta")), lambda *_: None, 8, window=3)
    assert [request.slots[0] for request in asked] == ["alpha", "alpha", "beta", "beta"] * 2


def test_the_last_attempt_that_lost_is_shown_beside_the_incumbent() -> None:
    asked = lead(Trace(patience=9), archive(), lambda n, _: [0.9, 1.1, 1.2, 0.8, 0.9][n - 1], 5)
    assert parents(asked) == [[""], ["code 1"], ["code 1", "code 2"], ["code 1", "code 3"], ["code 4"]]
    assert {request.operator for request in asked} == {"trace"}


def test_what_was_not_measured_in_full_has_no_trace_and_is_not_shown() -> None:
    def answer(number: int, _: Request) -> dict[str, object] | None:
        return None if number == 1 else {"ratio": 1.5, "state": TrialState.RACED_OUT}

    assert parents(lead(Trace(patience=9), archive(), answer, 3)) == [[""]] * 3


def test_an_attempt_at_another_slot_is_not_shown_for_this_one() -> None:
    asked = lead(Trace(patience=1), archive(slots=("alpha", "beta")), lambda *_: 1.5, 4)
    assert [len(request.parents) for request in asked] == [1, 1, 2, 2]
    assert parents(asked)[2:] == [["", "code 1"], ["", "code 2"]]


def test_an_equal_attempt_is_moved_to() -> None:
    assert parents(lead(Trace(), archive(), lambda *_: 1.0, 2))[-1] == ["code 1"]
