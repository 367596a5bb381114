"""What is solved within a cost, with its band."""

from __future__ import annotations

import math

import pytest

from slotforge.core.ids import generator
from slotforge.core.types import Outcome
from slotforge.service.views.cactus import solved
from slotforge.service.views.candidates import Split
from slotforge.service.views.comparison import Point

LIMIT = 100.0


def points(*costs: float, seeds: int = 1) -> list[Point]:
    """Run the first on instances at these costs; at the limit it did not solve one, and the other one solved none."""
    return [
        Point(
            instance=f"i{i}", name=f"i{i}.cnf", family="f", seed=seed, split=Split.UNSEEN, a=cost, b=LIMIT,
            a_outcome=Outcome.SOLVED if cost < LIMIT else Outcome.LIMIT, b_outcome=Outcome.LIMIT,
        )
        for i, cost in enumerate(costs)
        for seed in range(seeds)
    ]  # fmt: skip


def test_a_band_is_that_of_clopper_and_pearson_at_each_number() -> None:
    found = solved(points(3, 1, LIMIT, 2, LIMIT), "a")
    assert found.costs == (1, 2, 3)
    assert found.low == pytest.approx([0, 5 * 0.00505, 5 * 0.0527, 5 * 0.1466], abs=1e-3)  # of tables
    assert found.high == pytest.approx([5 * 0.5218, 5 * 0.7164, 5 * 0.8534, 5 * 0.9473], abs=1e-3)


def test_where_all_or_none_are_solved_it_is_not_taken_for_certain() -> None:
    every, none = solved(points(*[1.0] * 10), "a"), solved(points(*[1.0] * 10), "b")
    assert (every.low[-1], every.high[-1]) == (pytest.approx(10 * 0.6915, abs=1e-3), 10)
    assert (none.costs, none.low) == ((), (0,))
    assert none.high == (pytest.approx(10 * 0.3085, abs=1e-3),)
    assert solved([], "a").costs == ()


def test_several_seeds_of_an_instance_say_no_more_than_one() -> None:
    one, four = solved(points(1, 2, LIMIT), "a"), solved(points(1, 2, LIMIT, seeds=4), "a")
    assert len(four.costs) == 8
    for solved_of_one, solved_of_four in ((0, 0), (1, 4), (2, 8)):
        assert four.low[solved_of_four] == pytest.approx(4 * one.low[solved_of_one])
        assert four.high[solved_of_four] == pytest.approx(4 * one.high[solved_of_one])


def test_an_instance_with_many_seeds_does_not_narrow_the_band() -> None:
    others = points(*[1.0, LIMIT] * 4, LIMIT)
    many = [point.model_copy(update={"instance": "often"}) for point in points(1.0, seeds=20)]
    found = solved([*others, *many], "a")
    share = len(found.costs) / 29
    assert share > 0.8
    assert found.low[-1] < 29 * 0.5 < found.high[-1], "which is the share of instances"


def test_it_holds_the_share_that_is_true_at_least_as_often_as_it_says() -> None:
    rng, trials, held = generator("cactus"), 400, 0
    for _ in range(trials):
        costs = rng.exponential(50.0, 12)
        found = solved(points(*costs.clip(max=LIMIT)), "a")
        within = sum(cost <= 50.0 for cost in found.costs)
        held += found.low[within] <= 12 * (1 - math.exp(-1)) <= found.high[within]
    assert held / trials >= 0.95
