"""Random numbers of a run are the same however they are asked for."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.solvers.optim.case import family
from slotforge.solvers.optim.draws import BLOCK, Draws, noise, samples

NAMES = ("planted", "td_policy", "stochastic_logistic", "node_sampling", "heavy_tail")


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_the_same_whatever_was_asked_before_it(name):
    found = family(name)
    data = found.draw({**found.knobs, **found.splits["search"][0]}, np.random.default_rng(0))
    whole = samples(found, data, 5).rows(0, BLOCK + 20)
    late, other = samples(found, data, 5).row(BLOCK + 3), samples(found, data, 6).row(BLOCK + 3)
    assert all(
        np.array_equal(x[BLOCK + 3], y) for x, y in zip(jax.tree.leaves(whole), jax.tree.leaves(late), strict=True)
    )
    pairs = zip(jax.tree.leaves(late), jax.tree.leaves(other), strict=True)
    assert not all(np.array_equal(x, y) for x, y in pairs)


def test_a_family_without_chance_has_no_rows():
    found = family("least_squares")
    assert samples(found, {}, 1).rows(0, 70) is None


@given(st.lists(st.integers(1, 90), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_noise_is_one_stream_however_it_is_cut(counts):
    whole = noise({"p": (2,)}, 3).rows(0, sum(counts))["p"]
    draws, at, found = noise({"p": (2,)}, 3), 0, []
    for count in counts:
        found.append(draws.rows(at, count)["p"])
        at += count
    assert np.array_equal(np.concatenate(found), whole)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 90)), min_size=1, max_size=6), st.integers(0, 5000))
@settings(deadline=None, max_examples=30)
def test_rows_that_are_kept_are_those_that_would_be_drawn_again(asks, kept):
    draws, fresh = noise({"p": (2,)}, 3, kept_bytes=kept), noise({"p": (2,)}, 3)
    for at, count in asks:
        assert np.array_equal(draws.rows(at, count)["p"], fresh.rows(at, count)["p"])


def test_what_is_kept_is_drawn_once_and_no_more_is_kept_than_there_is_room_for():
    drawn = []

    def draw(block):
        drawn.append(block)
        return np.full((BLOCK, 1), float(block))

    draws = Draws(draw, kept_bytes=2 * BLOCK * 8)
    for _ in range(2):
        for block in range(3):
            draws.rows(block * BLOCK, BLOCK)
    assert drawn == [0, 1, 2, 2]
