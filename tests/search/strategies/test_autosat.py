"""AutoSAT: its agents write what a greedy hill climber or a (1+1)-EA would have mutated."""

from __future__ import annotations

import pytest

from slotforge.core.errors import UsageError
from slotforge.search.strategies import make
from slotforge.search.strategies.autosat import AutoSat
from slotforge.search.strategies.hill_climber import HillClimber
from slotforge.search.strategies.one_plus_one import OnePlusOne

from .hand_made import archive, lead, parents

SLOTS = ("alpha", "beta", "gamma")


@pytest.mark.parametrize(
    ("spec", "inner"),
    [
        ("autosat", HillClimber()),
        ("autosat:patience=2", HillClimber(patience=2)),
        ("autosat:search=one_plus_one", OnePlusOne()),
    ],
)
def test_it_goes_the_way_of_the_search_within(spec: str, inner: HillClimber | OnePlusOne) -> None:
    def ratio(number: int, _: object) -> float | None:
        return [0.9, 0.9, None, 0.7, 1.2][number % 5]

    mine = lead(make(spec), archive(slots=SLOTS), ratio, 30)
    other = lead(inner, archive(slots=SLOTS), ratio, 30)
    assert [(r.slots, r.parents) for r in mine] == [(r.slots, r.parents) for r in other]
    assert {request.operator for request in mine} == {"autosat"}


def test_greedy_moves_only_to_what_is_better_and_the_ea_to_what_is_not_worse() -> None:
    greedy = lead(AutoSat(), archive(), lambda *_: 1.0, 2)
    ea = lead(AutoSat(search="one_plus_one"), archive(), lambda *_: 1.0, 2)
    assert (parents(greedy)[-1], parents(ea)[-1]) == ([""], ["code 1"])


def test_other_searches_are_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"greedy.*one_plus_one"):
        make("autosat:search=tabu")
