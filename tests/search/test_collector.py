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


def test_a_short_search_does_not_look_for_old_garbage_but_leaves_it_to_be_found_after_it() -> None:
    gc.collect()
    gc.disable()  # or a look of its own finds it before
    try:
        lost = weakref.ref(Cycle())
        with only_what_comes(LONG - 1):
            gc.collect()
            assert lost() is not None
        assert gc.get_freeze_count() == 0
        gc.collect()
        assert lost() is None
    finally:
        gc.enable()
