"""What every store of prompts must do, as tests: inherit from `PromptStoreSuite` and give the fixture `reopen`.

    class TestMyPrompts(PromptStoreSuite):
        @pytest.fixture
        def reopen(self, tmp_path):
            return lambda: MyPrompts(tmp_path / "store")

Needs pytest and hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.errors import StoreError, UnknownId
from slotforge.core.prompting import MAX_SECTION, Figures, PromptSearch, Sample, Sampled, Variant
from slotforge.core.seams import PromptStore
from slotforge.core.types import Call, Spending
from slotforge.testing.store_samples import CALLS, COUNT, REAL, TEXT, anything, sample_call

Reopen = Callable[[], PromptStore]

VARIANTS = st.builds(
    Variant, operator=TEXT, sections=st.dictionaries(TEXT, st.text(max_size=MAX_SECTION // 20), max_size=3)
)
SAMPLES = st.builds(Sample, slot=TEXT, reason=TEXT, cluster=TEXT, novel=st.booleans(), tokens=COUNT, usd=REAL)
FIGURES = st.builds(
    Figures,
    samples=COUNT,
    clusters=COUNT,
    entropy=REAL,
    compile_rate=REAL,
    novelty=REAL,
    score=REAL,
    tokens=REAL,
    usd=REAL,
)
SAMPLED = st.builds(
    Sampled,
    number=COUNT,
    variant=VARIANTS,
    origin=TEXT,
    parents=st.lists(TEXT, max_size=2).map(tuple),
    samples=st.lists(SAMPLES, max_size=3).map(tuple),
    figures=FIGURES,
)


def search_of(**changes: Any) -> PromptSearch:
    """Make a search for prompts."""
    settings: dict[str, Any] = {"domain": "sat", "operator": "mutate", "slots": ("restart_due",), "model": "m"}
    return PromptSearch(**(settings | changes))


SEARCH = search_of()


def sampled(number: int, task: str = "Improve it.", score: float = 1.0) -> Sampled:
    """Make a variant with two samples."""
    figures = Figures(
        samples=2, clusters=2, entropy=score, compile_rate=1.0, novelty=1.0, score=score, tokens=15.0, usd=0.01
    )
    samples = (Sample(slot="restart_due", cluster="c", novel=True, tokens=15), Sample(slot="restart_due", reason="no"))
    variant = Variant(operator="mutate", sections={"task": task})
    return Sampled(number=number, variant=variant, origin="rewritten", samples=samples, figures=figures)


class PromptStoreSuite:
    """Inherit, and give a fixture `reopen` that opens the same store anew at each call."""

    @pytest.fixture
    def store(self, reopen: Reopen) -> Any:
        """Open the store."""
        return reopen()

    @anything
    @given(one=SAMPLED)
    def test_a_variant_comes_back_as_it_was(self, store: PromptStore, one: Sampled) -> None:
        search = search_of(domain=uuid4().hex)
        store.open(search)
        store.open(search)
        store.record(search.id, one)
        (found,) = store.searches(search.domain)
        assert found.search == search
        assert found.sampled == (one,)
        assert store.variant(one.variant.id) == one.variant

    @anything
    @given(call=CALLS, number=COUNT, position=COUNT)
    def test_an_exchange_comes_back_as_it_was(self, store: PromptStore, call: Call, number: int, position: int) -> None:
        search = search_of(domain=uuid4().hex)
        store.open(search)
        store.record_call(search.id, number, position, call)
        assert store.calls(search.id) == {(number, position): call}

    def test_what_was_recorded_is_there_when_opened_again(self, reopen: Reopen) -> None:
        first = reopen()
        first.open(SEARCH)
        first.record_call(SEARCH.id, 0, 1, sample_call(1))
        first.record(SEARCH.id, sampled(0))
        (found,) = reopen().searches("sat", "mutate")
        assert (found.completions, found.tokens, found.usd) == (1, 15, 0.01)
        assert found.sampled == (sampled(0),)

    def test_what_calls_without_an_answer_may_have_cost_is_kept_and_counts(self, reopen: Reopen) -> None:
        first = reopen()
        first.open(SEARCH)
        first.record_call(SEARCH.id, 0, 1, sample_call(1))
        for tokens, usd in ((9, 0.5), (7, 0.25)):
            first.record_spending(SEARCH.id, Spending(tokens=tokens, usd=usd))
        first.open(SEARCH)
        (found,) = reopen().searches()
        assert (found.tokens, found.unanswered_tokens) == (15, 7)
        assert (found.usd, found.unanswered_usd) == (0.26, 0.25)

    def test_searches_keep_apart_and_the_one_that_changed_last_comes_first(self, store: PromptStore) -> None:
        other = search_of(operator="fresh")
        for search in (SEARCH, other):
            store.open(search)
        store.record(SEARCH.id, sampled(0))
        assert [found.search for found in store.searches()] == [SEARCH, other]
        assert [len(found.sampled) for found in store.searches()] == [1, 0]
        assert store.searches("sat", "crossover") == ()
        assert [found.search for found in store.searches(operator="fresh")] == [other]

    def test_two_processes_do_not_pay_for_the_same_completion_unnoticed(self, reopen: Reopen) -> None:
        one, other = reopen(), reopen()
        one.open(SEARCH)
        one.record_call(SEARCH.id, 0, 1, sample_call(1))
        with pytest.raises(StoreError, match="already: one process at a time"):
            other.record_call(SEARCH.id, 0, 1, sample_call(1))

    def test_a_variant_is_found_by_the_beginning_of_its_id(self, store: PromptStore) -> None:
        made = [Variant(operator="mutate", sections={"task": f"Task {n}."}) for n in range(20)]
        for variant in (*made, made[0]):
            store.record_variant(variant)
        assert store.variant(made[0].id[:10].upper()) == made[0]
        for ref in ("", "0", "zz", made[0].id + "0"):
            with pytest.raises(UnknownId, match="prompts --list"):
                store.variant(ref)

    def test_a_variant_of_no_search_is_refused(self, store: PromptStore) -> None:
        with pytest.raises(StoreError):
            store.record("absent", sampled(0))
