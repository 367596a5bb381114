"""Trials are equal in number, in range, and the same each time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.solvers.optim.rule import Number
from slotforge.solvers.optim.tune import ALL, FIRST, anytime, spread, tune

NUMBERS = {
    "lr": Number(default=0.1, low=1e-3, high=10, scale="log"),
    "beta": Number(default=0.9, low=0, high=0.99, scale="linear"),
}


def tried(numbers, trials, seed=0, width=FIRST):
    asked, lots = [], []

    def measure(lot):
        lots.append(len(lot))
        asked.extend(lot)
        return [abs(math.log(one["lr"])) if one else 1.0 for one in lot]

    tune(numbers, trials, width, seed, measure)
    return asked, lots


@pytest.mark.parametrize(("trials", "width"), [(FIRST, FIRST), (ALL, FIRST), (20, 7)])
def test_all_trials_are_spent_within_the_ranges_and_the_defaults_come_first(trials, width):
    asked, lots = tried(NUMBERS, trials, width=width)
    assert len(asked) == trials
    assert max(lots) <= width
    assert asked[0] == {"lr": 0.1, "beta": 0.9}
    assert all(n.low * (1 - 1e-9) <= one[k] <= n.high * (1 + 1e-9) for one in asked for k, n in NUMBERS.items())
    assert len({tuple(one.values()) for one in asked}) == trials


def test_the_same_seed_asks_for_the_same_trials_and_learns():
    one, again, other = (tried(NUMBERS, ALL, seed)[0] for seed in (1, 1, 2))
    assert one == again != other
    assert one[:FIRST] == other[:FIRST] == spread(NUMBERS, FIRST)
    cost = [abs(math.log(trial["lr"])) for trial in one]
    assert np.median(cost[FIRST:]) < np.median(cost[:FIRST])


def test_a_rule_without_numbers_has_one_trial():
    assert tried({}, ALL)[0] == [{}]


CALLS = st.lists(st.one_of(st.floats(1, 100), st.just(math.inf)), min_size=8, max_size=8)


@given(CALLS, st.integers(0, 7))
def test_more_calls_to_a_target_never_cost_less(hits, place):
    later = list(hits)
    later[place] = min(hits[place] * 2, 100) if hits[place] < 100 else math.inf
    assert anytime(np.array(later), 100) >= anytime(np.array(hits), 100) * (1 - 1e-12)
    assert 1 <= anytime(np.array(hits), 100) <= 200 * (1 + 1e-12)
