"""From metrics to calls."""

import numpy as np
import pytest
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


def test_progress_is_counted_in_targets_and_what_is_no_number_is_no_progress() -> None:
    looks = np.array([[[1e-3, np.nan, np.inf]], [[np.nan, np.nan, np.inf]]])
    runs = Runs(metric=looks, calls=np.ones_like(looks), first=np.ones(3))
    assert runs.least.tolist() == [[1e-3, np.inf, np.inf]]
    assert runs.progress(1e-6, 0.0, 1 / 3).tolist() == pytest.approx([TARGETS / 2])
    assert runs.progress(1e-6, 0.0, 0.9).tolist() == [0.0]


@given(
    arrays(float, (6, 3, 3), elements=st.floats(0, 2)),
    arrays(float, (1, 3, 3), elements=st.sampled_from([1.0, 2.0, 16.0])),
    st.integers(1, 6),
    st.sampled_from([0.5, 1.0]),
)
def test_what_comes_after_runs_are_settled_changes_no_best(metric, price, looks, quantile):
    calls = np.cumsum(np.broadcast_to(price, metric.shape), axis=0)
    whole, begun = (Runs(metric=metric[:n], calls=calls[:n], first=np.ones(3)) for n in (6, looks))
    best = begun.calls_to(0.5, quantile).min()
    if begun.settled(0.5, quantile):
        assert whole.calls_to(0.5, quantile).min() == best < np.inf
    elif np.isfinite(best):
        assert (calls[looks - 1] < best).any()  # one that goes on could be better


def test_a_trial_that_broke_down_is_not_waited_for():
    calls = np.array([[[9.0], [1.0]], [[18.0], [2.0]]])
    for later, settled in ((1.0, False), (np.inf, True)):
        metric = np.array([[[1.0], [1.0]], [[0.1], [later]]])
        assert Runs(metric=metric, calls=calls, first=np.ones(1)).settled(0.5, 0.5) is settled
