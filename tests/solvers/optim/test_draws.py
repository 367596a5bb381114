"""Random numbers of a run are the same however they are asked for."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.solvers.optim.case import family
from slotforge.solvers.optim.draws import BLOCK, noise, samples

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
