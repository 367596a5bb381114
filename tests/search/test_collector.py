"""In a search the collector of cycles looks at what is new alone, and no garbage is kept for good."""

from __future__ import annotations

import gc
import weakref

import pytest

from slotforge.search.collector import LONG, only_what_comes


class Cycle:
    """Refers to itself, so that the collector alone ends it."""

    def __init__(self) -> None:
        self.own = self


@pytest.mark.parametrize("trials", [None, LONG])
def test_a_long_search_ends_old_garbage_and_keeps_the_rest_out_of_the_way_until_it_ends(trials: int | None) -> None:
    kept, lost = Cycle(), weakref.ref(Cycle())
    with only_what_comes(trials):
        assert lost() is None
        assert gc.get_freeze_count() > 0
        fresh = weakref.ref(Cycle())
        gc.collect()
        assert fresh() is None
    assert gc.get_freeze_count() == 0
    gone = weakref.ref(kept)
    del kept
    gc.collect()
    assert gone() is None


def test_a_short_search_does_not_look_through_everything_first() -> None:
    gc.collect()
    gc.disable()  # or a look of its own finds it
    try:
        lost = weakref.ref(Cycle())
        with only_what_comes(LONG - 1):
            assert lost() is not None
            assert gc.get_freeze_count() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("trials", [LONG - 1, LONG])
def test_it_is_looked_for_garbage_more_rarely_until_the_search_ends(trials: int) -> None:
    before = gc.get_threshold()
    with only_what_comes(trials):
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before


def test_many_short_searches_keep_no_garbage() -> None:
    lost = []
    for _ in range(30):
        lost.append(weakref.ref(Cycle()))
        with only_what_comes(LONG - 1):
            for _ in range(4):
                kept = [[] for _ in range(25_000)]  # so that there is something to look for
                del kept
    assert sum(one() is not None for one in lost) < 5
