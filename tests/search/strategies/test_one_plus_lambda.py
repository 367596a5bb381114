"""(1+lambda): the best child replaces the incumbent when it is not worse, once its generation is in."""

from __future__ import annotations

import pytest

from slotforge.core.errors import UsageError
from slotforge.core.ids import generator
from slotforge.search.strategies import make
from slotforge.search.strategies.one_plus_lambda import OnePlusLambda

from .hand_made import archive, lead, parents, tell


def test_the_incumbent_changes_when_a_generation_is_in_and_not_for_worse() -> None:
    ratios = [0.8, 0.7, 0.9, 1.0, 0.9, 0.7]
    requests = lead(OnePlusLambda(children=2), archive(), lambda n, _: ratios[n - 1] if n <= 6 else None, 7)
    assert [code for (code,) in parents(requests)] == ["", "", "code 2", "code 2", "code 2", "code 2", "code 6"]


def test_a_generation_ends_although_numbers_of_trials_are_left_out() -> None:
    known, strategy = archive(), OnePlusLambda(children=2)
    for number in (1, 3, 5, 7):  # the others are no proposals, as where numbers are tuned between them
        request = strategy.ask(known, generator(number))
        tell(strategy, known, number, request, 1 - number / 100)
    assert known.incumbent.number == 7


@pytest.mark.parametrize("spec", ["one_plus_lambda:children=0", "hill_climber:patience=0"])
def test_settings_without_sense_are_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="expected at least 1"):
        make(spec)
