"""Selection by rank: the weights of EoH."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.ids import generator
from slotforge.search.strategies._ranks import by_rank, weights


@given(st.integers(min_value=1, max_value=50))
def test_rank_r_of_n_weighs_1_over_r_plus_n_and_all_together_1(size: int) -> None:
    shares = weights(size)
    assert sum(shares) == pytest.approx(1)
    for rank, share in enumerate(shares, start=1):
        assert share * (rank + size) == pytest.approx(shares[0] * (1 + size))


def test_draws_follow_the_weights() -> None:
    rng = generator(1)
    counts = Counter(by_rank("abcd", 1, rng)[0] for _ in range(4000))
    for item, share in zip("abcd", weights(4), strict=True):
        assert counts[item] / 4000 == pytest.approx(share, abs=0.03)


@given(st.integers(min_value=1, max_value=9), st.integers(min_value=1, max_value=9), st.integers())
def test_none_is_drawn_twice_and_no_more_than_there_are(size: int, count: int, seed: int) -> None:
    drawn = by_rank(range(size), count, generator(seed))
    assert len(drawn) == len(set(drawn)) == min(size, count)
