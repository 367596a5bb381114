"""(1+1)-EPS moves to what is strictly better and to nothing else."""

from __future__ import annotations

from slotforge.search.strategies.one_plus_one_eps import OnePlusOneEps

from .hand_made import archive, lead, parents


def test_a_better_version_becomes_the_parent_and_one_that_is_equal_worse_or_broken_does_not() -> None:
    ratios = [1.0, 0.9, 0.9, 0.95, None, 0.8, 0.8]
    requests = lead(OnePlusOneEps(), archive(), lambda n, _: ratios[n - 1], 7)
    assert [code for (code,) in parents(requests)] == ["", "", "code 2", "code 2", "code 2", "code 2", "code 6"]


def test_each_version_rewrites_one_slot_and_none_is_left_out() -> None:
    requests = lead(OnePlusOneEps(), archive(slots=("alpha", "beta", "gamma")), lambda *_: None, 60)
    assert {len(request.slots) for request in requests} == {1}
    assert {request.slots[0] for request in requests} == {"alpha", "beta", "gamma"}
