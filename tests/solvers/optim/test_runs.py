"""From metrics to calls."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from slotforge.solvers.optim.runs import TARGETS, Runs, across_seeds

METRICS = arrays(float, (6, 2, 3), elements=st.one_of(st.floats(1e-4, 2), st.just(np.inf), st.just(np.nan)))


def runs(metric):
    calls = np.cumsum(np.ones_like(metric), axis=0) * 5
    return Runs(metric=metric, calls=calls, first=np.ones(metric.shape[-1]))


@given(METRICS)
def test_a_later_target_is_never_hit_earlier_and_the_last_one_is_the_goal(metric):
    hits = runs(metric).hits(1e-3, 0.0)
    assert hits.shape == (TARGETS, 2, 3)
    assert (hits[1:] >= hits[:-1]).all()
    reached = metric <= 1e-3
    at = np.where(reached.any(axis=0), 5 * (1 + reached.argmax(axis=0)), np.inf)
    assert np.array_equal(hits[-1], at)


def test_targets_are_even_in_the_logarithm_above_the_floor():
    metric = 2 + 10.0 ** -np.arange(0, 8, 0.5)[:, None, None]
    calls = np.arange(1.0, 17)[:, None, None]
    hits = Runs(metric=metric, calls=calls, first=np.array([3.0])).hits(2 + 1e-4 * (1 + 1e-9), 2.0)
    assert np.array_equal(hits[:, 0, 0], np.arange(2, 10))


@given(st.integers(1, 12), st.floats(0.05, 1))
def test_a_quantile_is_the_fewest_calls_in_which_so_many_got_there(count, quantile):
    hits = np.random.default_rng(count).permutation(np.arange(1.0, count + 1))[None, None]
    found = across_seeds(hits, quantile)[0, 0]
    assert (hits <= found).mean() >= quantile - 1e-9
    assert (hits <= found - 1).mean() < quantile
