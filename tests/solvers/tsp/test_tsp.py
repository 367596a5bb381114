"""Constructive travelling salesman: the published figures, and answers that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from slotforge.core.ids import generator
from slotforge.solvers.policy.source import load
from slotforge.solvers.tsp.domain import Tsp
from slotforge.solvers.tsp.families import make
from slotforge.solvers.tsp.run import tour

# Zheng et al. 2025, arXiv:2501.08603, table 1: mean length of LKH's tours, and gap of nearest neighbour in percent
PUBLISHED = {"tsp50": (5.675, 22.62), "tsp100": (7.768, 24.94), "tsp200": (10.659, 26.29)}
SQUARE = {"points": [[0, 0], [1, 1], [1, 0], [0, 1]]}


def policy(name: str) -> str:
    return Tsp().slots()["select_next"].variants[name]


def lengths(name: str, family: str, count: int) -> list[float]:
    select_next, tsp = load(policy(name), "select_next"), Tsp()
    contents = make(family)[0].published()[:count]
    judged = [tsp.judge(content, {"order": tour(select_next, content["points"])}) for content in contents]
    assert not any(one.fault for one in judged)
    return [one.cost for one in judged]


@pytest.mark.parametrize("family", ["tsp50", "tsp100", pytest.param("tsp200", marks=pytest.mark.slow)])
def test_nearest_neighbour_comes_out_as_published(family: str) -> None:
    optimal, gap = PUBLISHED[family]
    own = 100 * (np.mean(lengths("nearest", family, 1000)) / optimal - 1)
    assert own == pytest.approx(gap, abs=0.02)  # the published lengths are rounded to three digits


def test_the_rule_that_eoh_and_reevo_start_from_is_better_and_the_farthest_city_worse() -> None:
    nearest, ael, farthest = (np.mean(lengths(name, "tsp50", 30)) for name in ("nearest", "ael", "farthest"))
    assert ael < nearest < farthest


def test_the_rule_of_ael_is_what_its_paper_says() -> None:
    def literal(current: int, destination: int, unvisited: np.ndarray, distances: np.ndarray) -> int:
        scores = {}
        for city in unvisited:
            others = [distances[city][other] for other in unvisited if other != city] or [0.0]
            toll = 0.4 * distances[current][city] - 0.3 * np.mean(others)
            scores[city] = toll + 0.2 * np.std(others) - 0.1 * distances[destination][city]
        if min(scores.values()) > 0.7:
            return int(min(unvisited, key=lambda city: distances[current][city]))
        return int(min(scores, key=lambda city: scores[city]))

    for content in make("tsp50")[0].published()[:3]:
        points = content["points"]
        assert tour(load(policy("ael"), "select_next"), points) == tour(literal, points)
        wide = [[9 * x, 9 * y] for x, y in points]  # so that the threshold is passed
        assert tour(load(policy("ael"), "select_next"), wide) == tour(literal, wide)


def test_drawn_cities_lie_in_the_unit_square_and_repeat_by_seed() -> None:
    family, test = make("tsp100:test")
    assert test
    points = family.draw(generator(1))["points"]
    assert points == family.draw(generator(1))["points"] != family.draw(generator(2))["points"]
    assert np.array(points).shape == (100, 2)
    assert 0 <= np.min(points) < np.max(points) < 1


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        ({}, "there is no tour"),
        ({"order": "0123"}, "there is no tour"),
        ({"order": [0, 1, 2, 3.0]}, "there is no tour"),
        ({"order": [0, True, 2, 3]}, "there is no tour"),
        ({"order": [0, 1, 2]}, "every city once"),
        ({"order": [0, 1, 2, 2]}, "every city once"),
        ({"order": [0, 1, 2, 3, 0]}, "every city once"),
        ({"order": [0, 1, 2, 4]}, "every city once"),
        ({"order": [-1, 0, 1, 2]}, "every city once"),
    ],
)
def test_a_wrong_tour_is_found(answered: Mapping[str, Any], said: str) -> None:
    assert said in Tsp().judge(SQUARE, answered).fault


def test_the_length_is_measured_and_not_what_is_claimed() -> None:
    tsp = Tsp()
    assert tsp.judge(SQUARE, {"order": [0, 2, 1, 3], "length": 1}).cost == pytest.approx(4)
    crossed = tsp.judge(SQUARE, {"order": [0, 1, 2, 3]})
    assert crossed.cost == pytest.approx(2 + 2 * 2**0.5)
    assert crossed.stats["longest_leg"] == pytest.approx(2**0.5)
    assert crossed.stats["last_leg"] == pytest.approx(1)
    assert crossed.stats["nearest"] == pytest.approx(2 / 3)  # all steps but the first
    assert set(tsp.axes) <= set(crossed.stats)
