"""What is known across runs: filters, order, and pages that neither lose nor repeat anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.comparison import FamilyVerdict, Held, Verdict
from slotforge.core.types import Candidate
from slotforge.lineage.best import best
from slotforge.lineage.records import Best
from slotforge.lineage.store import SqlStore, open_store
from slotforge.service.views import heuristics as view
from slotforge.service.views.heuristics import Order, Wanted

from .conftest import BASELINE, Scene, answered, made

FIGURES = {"low": 0.4, "high": 0.9, "p": 0.01, "instances": 9, "cpu_ratio": 0.8}


def judge(store: SqlStore, run: str, candidate: Candidate, ratio: float, word: str) -> None:
    verdict = Verdict(**FIGURES, ratio=ratio, verdict=word, families={})
    store.record_verdict(run, Held(candidate=candidate, against=Candidate(domain=candidate.domain), verdict=verdict))


def whole(store: SqlStore, wanted: Wanted, limit: int) -> list[Best]:
    found: list[Best] = []
    after = None
    for _ in range(1000):
        page = view.heuristics(store, wanted, limit=limit, after=after)
        assert len(page.items) <= limit
        found += page.items
        if page.next is None:
            return found
        after = page.next
    raise AssertionError("the list has no end")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """Hold 60 candidates of three slot sets and two domains; ratios repeat, and some are judged."""
    with open_store(tmp_path_factory.mktemp("filled") / "store.db") as store:
        scene = Scene(store)
        run = scene.run()
        other = scene.run(domain="tsp")
        for number in range(1, 61):
            slots = {"decay": f"// source {number}\n"} | ({"restart_due": "// both\n"} if number % 3 == 0 else {})
            domain = "tsp" if number % 10 == 0 else "sat"
            candidate = Candidate(domain=domain, slots=slots)
            said = (answered(f"Idea: glue of {number % 7}"),)
            where = other if domain == "tsp" else run
            scene.trial(where, number, candidate, ratio=(number % 12 + 1) / 10, calls=said)
            if number % 4 == 0:
                judge(store, where, candidate, (number % 9 + 1) / 10, "better" if number % 8 == 0 else "no difference")
        yield store


WANTED = st.builds(
    Wanted,
    domain=st.sampled_from([None, "sat", "tsp", "none"]),
    slot=st.sampled_from([None, "decay", "restart_due"]),
    below=st.sampled_from([None, 0.3, 0.7]),
    confirmed=st.sampled_from([None, True, False]),
    text=st.sampled_from(["", "SOURCE 1", "glue of 3", "both"]),
    order=st.sampled_from(Order),
)


@given(wanted=WANTED, limit=st.integers(1, 70))
@settings(max_examples=60, deadline=None)
def test_pages_of_any_size_are_the_whole_list_in_order(filled: SqlStore, wanted: Wanted, limit: int) -> None:
    found = whole(filled, wanted, limit)
    ids = [one.candidate for one in found]
    assert len(set(ids)) == len(ids)
    keys = [(wanted.order is Order.BEST and not one.confirmed, one.ratio, one.candidate) for one in found]
    assert keys == sorted(keys)
    everything = whole(filled, Wanted(), 200)
    assert len(everything) == 60
    assert set(ids) == {one.candidate for one in everything if fits(one, wanted)}


def fits(one: Best, wanted: Wanted) -> bool:
    number = int(one.slots["decay"].split()[2])
    texts = "".join(one.slots.values()) + f"Idea: glue of {number % 7}"
    return (
        wanted.domain in (None, one.domain)
        and (wanted.slot is None or wanted.slot in one.slots)
        and (wanted.below is None or one.ratio <= wanted.below)
        and wanted.confirmed in (None, one.confirmed)
        and wanted.text.casefold() in texts.casefold()
    )


def test_it_is_the_list_of_the_best_of_a_domain(filled: SqlStore) -> None:
    assert view.heuristics(filled, Wanted(domain="sat"), limit=30).items == best(filled, "sat", limit=30)


def test_a_search_through_texts_stops_after_a_while_and_goes_on(
    filled: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slotforge.lineage.reads import heuristics as reads

    monkeypatch.setattr(reads, "AT_ONCE", 5)
    monkeypatch.setattr(reads, "LOOKED_THROUGH", 10)
    first = view.heuristics(filled, Wanted(text="source 59", order=Order.RATIO), limit=3)
    assert first.next is not None
    assert len(first.items) < 3
    assert len(whole(filled, Wanted(text="source 59", order=Order.RATIO), 3)) == 1


def test_a_family_is_judged_by_its_own_verdicts(scene: Scene) -> None:
    run = scene.run()
    one, other = made("one"), made("two")
    for number, candidate in enumerate((one, other), 1):
        scene.trial(run, number, candidate, ratio=0.5)
    part = FamilyVerdict(**FIGURES, ratio=0.2, verdict="better")
    verdict = Verdict(**FIGURES, ratio=0.6, verdict="better", families={"large": part, "small": part})
    scene.store.record_verdict(run, Held(candidate=one, against=BASELINE, verdict=verdict))
    (found,) = view.heuristics(scene.store, Wanted(family="large")).items
    assert (found.candidate, found.family, found.ratio, found.confirmed) == (one.id, "large", 0.2, True)


def test_an_empty_store_knows_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.db") as store:
        assert view.heuristics(store, Wanted(text="x")) == view.heuristics(store, Wanted())
        assert view.heuristics(store, Wanted()).next is None
