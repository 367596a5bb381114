"""(1,lambda): the best child replaces its parent, though it be worse."""

from __future__ import annotations

import pytest

from slotforge.core.errors import UsageError
from slotforge.core.types import TrialState
from slotforge.search.strategies import make
from slotforge.search.strategies.one_comma_lambda import OneCommaLambda

from .hand_made import archive, lead, parents


def test_the_parent_can_get_worse_and_the_archive_keeps_the_best() -> None:
    ratios = [0.8, 0.7, 0.9, 1.3, 1.2, 1.25, 1.5, 1.6, 1.7]
    known = archive()
    requests = lead(OneCommaLambda(children=3), known, lambda n, _: ratios[n - 1], 9)
    assert [code for (code,) in parents(requests)] == [""] * 3 + ["code 2"] * 3 + ["code 5"] * 3
    assert known.incumbent.number == 7
    assert known.best(1)[0].number == 2


def test_a_generation_without_a_child_that_was_measured_in_full_leaves_the_parent() -> None:
    outcomes = [0.8, 0.9, {"ratio": 0.5, "state": TrialState.RACED_OUT}, None]
    requests = lead(OneCommaLambda(children=2), archive(), lambda n, _: outcomes[n - 1] if n <= 4 else 1.0, 6)
    assert [code for (code,) in parents(requests)] == ["", "", "code 1", "code 1", "code 1", "code 1"]


def test_with_proposals_under_way_a_generation_is_the_last_children_that_were_told() -> None:
    requests = lead(OneCommaLambda(children=4), archive(), lambda n, _: 1 + n / 100, 12, window=3)
    assert [code for (code,) in parents(requests)] == [""] * 6 + ["code 1"] * 4 + ["code 5"] * 2


def test_no_children_at_all_are_refused() -> None:
    with pytest.raises(UsageError, match="children=0: expected at least 1"):
        make("one_comma_lambda:children=0")
