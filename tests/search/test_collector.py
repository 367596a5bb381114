"""In a long search the collector of cycles looks at what is new alone, and what was garbage before is not kept."""

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
def test_a_long_search_keeps_what_was_there_out_of_the_way_until_it_ends(trials: int | None) -> None:
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


def test_a_short_search_is_left_alone() -> None:
    with only_what_comes(LONG - 1):
        assert gc.get_freeze_count() == 0
