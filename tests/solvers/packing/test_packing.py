"""Online bin packing: the published figures, and answers that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from slotforge.core.ids import generator
from slotforge.core.types import Candidate
from slotforge.solvers.packing.domain import Packing, lower_bound
from slotforge.solvers.packing.families import make
from slotforge.solvers.packing.run import answer, pack
from slotforge.solvers.policy.source import load

# Zheng et al. 2025, arXiv:2501.08603, table 3: gap to the lower bound in percent; `bench packing` has the rest
PUBLISHED = {
    ("best_fit", "weibull_1k_100"): 4.77,
    ("best_fit", "weibull_1k_500"): 0.25,
    ("best_fit", "weibull_5k_100"): 4.31,
    ("best_fit", "weibull_5k_500"): 0.55,
    ("first_fit", "weibull_1k_100"): 5.02,
    ("first_fit", "weibull_1k_500"): 0.25,
    ("first_fit", "weibull_5k_100"): 4.65,
    ("first_fit", "weibull_5k_500"): 0.55,
}
ITEMS = {"capacity": 10, "items": [6, 5, 4, 5, 1]}


def policy(name: str) -> str:
    return Packing().slots()["priority"].variants[name]


def gap(name: str, family: str) -> float:
    """Return the gap of a built-in policy on a published test set, in percent."""
    bins = bound = 0.0
    for content in make(family)[0].published():
        judged = Packing().judge(content, answer({**content, "source": policy(name)}))
        assert not judged.fault
        bins, bound = bins + judged.stats["bins"], bound + judged.stats["lower_bound"]
    return 100 * (bins / bound - 1)


@pytest.mark.parametrize(("name", "family"), PUBLISHED)
def test_the_published_figures_come_out_as_published(name: str, family: str) -> None:
    assert round(gap(name, family), 2) == PUBLISHED[name, family]


def test_the_rules_of_funsearch_and_eoh_beat_best_fit_on_what_they_were_found_for() -> None:
    best_fit, funsearch, eoh = (gap(name, "weibull_5k_100") for name in ("best_fit", "funsearch", "eoh"))
    # their papers have 0.68 and 0.80 on five other instances
    assert funsearch == pytest.approx(0.68, abs=0.2)
    assert eoh == pytest.approx(0.80, abs=0.2)
    assert best_fit > 4


def test_the_bins_of_each_rule_by_hand() -> None:
    def packed(name: str) -> list[int]:
        return pack(load(policy(name), "priority"), ITEMS["items"], 10)  # type: ignore[arg-type]

    assert packed("first_fit") == [0, 1, 0, 1, 2]
    assert packed("best_fit") == [0, 1, 0, 1, 2]
    assert pack(load(policy("best_fit"), "priority"), [5, 6, 4], 10) == [0, 1, 1]
    assert pack(load(policy("first_fit"), "priority"), [5, 6, 4], 10) == [0, 1, 0]
    assert pack(load(policy("worst_fit"), "priority"), [5, 6, 4], 10) == [0, 1, 0]


def test_a_policy_sees_each_bin_that_fits_and_may_leave_an_empty_one_behind() -> None:
    seen = []

    def last(item: float, bins: np.ndarray) -> np.ndarray:
        seen.append((item, list(bins)))
        return np.arange(len(bins))

    assert pack(last, [3, 8, 2], 10) == [2, 1, 2]
    assert seen == [(3, [10, 10, 10]), (8, [10, 10]), (2, [10, 2, 7])]


def test_drawn_sizes_are_whole_between_1_and_100_and_repeat_by_seed() -> None:
    family, test = make("weibull_1k_100")
    assert not test
    content = family.draw(generator(1))
    assert content == family.draw(generator(1)) != family.draw(generator(2))
    assert len(content["items"]) == 1000
    assert all(type(size) is int and 1 <= size <= 100 for size in content["items"])
    assert np.mean(content["items"]) == pytest.approx(45 * 0.893, abs=2)  # Weibull: scale * Gamma(1 + 1/3)
    assert lower_bound(content) == -(-sum(content["items"]) // 100)


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        ({}, "no bin for each item"),
        ({"bins": None}, "no bin for each item"),
        ({"bins": [0, 1, 0, 1]}, "no bin for each item"),  # an item is missing
        ({"bins": [0, 1, 0, 1, True]}, "no bin for each item"),
        ({"bins": [0, 1, 0, 1, 2.0]}, "no bin for each item"),
        ({"bins": [0, 1, 0, 1, -1]}, "a bin that there is not"),
        ({"bins": [0, 1, 0, 1, 5]}, "a bin that there is not"),
        ({"bins": [0, 0, 0, 1, 1]}, "holds 15"),
        ({"bins": [0, 1, 0, 1, 0]}, "holds 11"),
    ],
)
def test_a_wrong_packing_is_found(answered: Mapping[str, Any], said: str) -> None:
    assert said in Packing().judge(ITEMS, answered).fault


def test_the_cost_counts_the_bins_that_are_used_and_nothing_that_is_claimed() -> None:
    judged = Packing().judge(ITEMS, {"bins": [0, 1, 0, 1, 4], "count": 1})
    assert judged.fault == ""
    assert (judged.stats["bins"], judged.stats["lower_bound"], judged.cost) == (3, 3, 1)
    assert judged.stats["full"] == pytest.approx(2 / 3)
    assert judged.stats["half_empty"] == pytest.approx(1 / 3)
    assert Packing().judge(ITEMS, {"bins": [0, 1, 2, 1, 4]}).cost == 2


def test_packings_are_the_same_whatever_their_bins_are_called() -> None:
    def answered(bins: list[int]) -> tuple[int, ...]:
        return Packing().judge(ITEMS, {"bins": bins}).answer

    assert answered([0, 1, 0, 1, 4]) == answered([3, 2, 3, 2, 0]) == (0, 1, 0, 1, 2)
    assert answered([0, 1, 0, 1, 4]) != answered([0, 1, 0, 4, 1])


def test_what_a_policy_does_lies_on_fixed_axes() -> None:
    packing = Packing()
    assert packing.behaviour(Candidate(domain="packing"), [], []) == {}
    assert set(packing.axes) <= set(packing.judge(ITEMS, {"bins": [0, 1, 0, 1, 4]}).stats)
