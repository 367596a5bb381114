"""What makes a prompt good: entropy of known distributions, the score, and the front with cost."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.prompting import Figures, Sample
from slotforge.prompts.cluster import entropy, figures, front

COUNTS = st.lists(st.integers(0, 50), max_size=8)
FIGURES = st.builds(
    Figures,
    samples=st.just(8),
    clusters=st.just(1),
    entropy=st.just(1.0),
    compile_rate=st.just(1.0),
    novelty=st.just(1.0),
    score=st.integers(0, 5).map(float),
    tokens=st.integers(0, 5).map(float),
    usd=st.just(0.0),
)


def sample(cluster: str = "", *, slot: str = "s", novel: bool = True, tokens: int = 100) -> Sample:
    reason = "" if cluster else "no code"
    return Sample(slot=slot, reason=reason, cluster=cluster, novel=novel and bool(cluster), tokens=tokens, usd=0.5)


@pytest.mark.parametrize(
    ("counts", "nats"),
    [([], 0), ([7], 0), ([1, 1], math.log(2)), ([3, 3, 3, 3, 0], math.log(4)), ([3, 1], 0.5623351446188083)],
)
def test_the_entropy_of_known_distributions(counts: list[int], nats: float) -> None:
    assert entropy(counts) == pytest.approx(nats)


@given(counts=COUNTS)
def test_entropy_lies_between_nothing_and_equal_shares_and_does_not_depend_on_order(counts: list[int]) -> None:
    found = entropy(counts)
    assert 0 <= found <= math.log(max(1, sum(map(bool, counts)))) + 1e-9
    assert found == pytest.approx(entropy(sorted(counts)))
    assert found == pytest.approx(entropy([3 * count for count in counts]))


def test_the_score_is_entropy_times_compile_rate_times_novelty() -> None:
    found = figures([sample("a"), sample("a"), sample("b", novel=False), sample("c"), sample(tokens=600)])
    assert (found.samples, found.clusters) == (5, 3)
    assert found.entropy == pytest.approx(entropy([2, 1, 1]))
    assert found.compile_rate == pytest.approx(4 / 5)
    assert found.novelty == pytest.approx(2 / 3)
    assert found.score == pytest.approx(entropy([2, 1, 1]) * 4 / 5 * 2 / 3)
    assert (found.tokens, found.usd) == (200.0, 0.5)


def test_code_for_several_slots_is_no_diversity() -> None:
    assert figures([sample("a", slot="s"), sample("b", slot="t")] * 3).score == 0
    one, both = [sample(c) for c in "ab"], [sample(c, slot=slot) for c in "ab" for slot in "st"]
    assert figures(both).entropy == pytest.approx(figures(one).entropy)


def test_what_never_compiles_and_what_is_known_score_nothing() -> None:
    assert figures([sample(), sample()]).score == 0
    assert figures([sample("a", novel=False), sample("b", novel=False)]).score == 0
    with pytest.raises(ValueError, match="nothing was sampled"):
        figures([])


@given(found=st.lists(FIGURES, max_size=12))
def test_nothing_beats_what_is_on_the_front_and_all_else_is_beaten(found: list[Figures]) -> None:
    chosen = front(found, lambda item: item)

    def beats(one: Figures, other: Figures) -> bool:
        no_worse = one.score >= other.score and one.tokens <= other.tokens
        return no_worse and (one.score > other.score or one.tokens < other.tokens)

    for item in found:
        assert any(item == kept for kept in chosen) or any(beats(kept, item) for kept in chosen)
    assert not any(beats(item, kept) for item in found for kept in chosen)
    assert all(a.score > b.score and a.tokens > b.tokens for a, b in pairwise(chosen))
    assert not found or chosen[0].score == max(item.score for item in found)
