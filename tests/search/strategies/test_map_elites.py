"""MAP-Elites: fixed cells with the best of their kind, islands in turn, a ring, and races against parents."""

from __future__ import annotations

import pytest

from slotforge.core.errors import UsageError
from slotforge.core.types import Request, Trial
from slotforge.search.archive import Archive
from slotforge.search.strategies import make
from slotforge.search.strategies.map_elites import MapElites, cell_of

from .hand_made import archive, candidate, lead, parents, trial

PLACES: dict[str, float] = {}


def placed(*builtins: Trial, **options: object) -> Archive:
    """Make an archive in which the kind of a candidate is what PLACES says of its code, or else 0.5."""
    known = archive(*builtins, **options)  # type: ignore[arg-type]
    known.behaviour = lambda one: {"speed": PLACES.get((one.candidate or candidate()).slots.get("alpha", ""), 0.5)}
    return known


@pytest.fixture(autouse=True)
def no_places() -> None:
    PLACES.clear()


def elites(strategy: MapElites, island: int = 0) -> dict[int, float | None]:
    return {cell[0][1]: one.ratio for cell, one in strategy._maps[island].items()}


@pytest.mark.parametrize(("share", "place"), [(0.0, 0), (0.19, 0), (0.2, 1), (0.5, 2), (0.99, 4), (1.0, 4)])
def test_the_cell_of_a_share_is_the_same_whatever_else_was_found(share: float, place: int) -> None:
    assert cell_of({"speed": share, "size": 0.0}, 5) == (("size", 0), ("speed", place))


def test_a_cell_keeps_the_best_of_its_kind_and_the_worse_of_another_kind_stays() -> None:
    PLACES.update({"code 1": 0.9, "code 2": 0.9, "code 3": 0.9, "code 4": 0.1})
    strategy, known = MapElites(islands=1, cross=0), placed()
    lead(strategy, known, lambda number, _: [0.9, 0.7, 0.8, 3.0][number - 1], 4)
    assert elites(strategy) == {2: 1.0, 4: 0.7, 0: 3.0}


def test_what_failed_or_was_raced_out_is_no_elite() -> None:
    from slotforge.core.types import TrialState

    PLACES.update({"code 1": 0.9, "code 2": 0.1})
    strategy, known = MapElites(islands=1), placed()
    lead(strategy, known, lambda n, _: None if n == 1 else {"ratio": 0.9, "state": TrialState.RACED_OUT}, 2)
    assert elites(strategy) == {2: 1.0}


def test_without_greed_parents_are_drawn_from_all_cells_alike_and_with_it_from_the_best() -> None:
    for n in range(5):
        PLACES[f"code {n + 1}"] = n / 5 + 0.1
    ratios = [0.5, 0.9, 0.8, 0.7, 0.6]
    drawn = {}
    for greed in (0.0, 1.0):
        strategy, known = MapElites(islands=1, greed=greed, cross=0, migrate=1000), placed()
        asked = lead(strategy, known, lambda n, _: ratios[n - 1] if n <= 5 else None, 505)
        codes = [one for (one,) in parents(asked[5:])]
        drawn[greed] = {code: codes.count(code) / 500 for code in codes}
    assert drawn[1.0] == {"code 1": 1.0}
    assert set(drawn[0.0]) == {f"code {n}" for n in range(1, 6)}
    assert all(share == pytest.approx(0.2, abs=0.06) for share in drawn[0.0].values())


def test_islands_take_turns_and_keep_apart_until_their_best_goes_round_the_ring() -> None:
    PLACES.update({"code 1": 0.9, "code 2": 0.1})
    strategy, known = MapElites(islands=2, migrate=2), placed()
    lead(strategy, known, lambda n, _: [0.5, 0.6][n - 1], 2)
    assert (elites(strategy, 0), elites(strategy, 1)) == ({2: 1.0, 4: 0.5}, {2: 1.0, 0: 0.6})
    lead_on(strategy, known, 3, 4)
    assert (elites(strategy, 0), elites(strategy, 1)) == ({2: 1.0, 4: 0.5, 0: 0.6}, {2: 1.0, 0: 0.6, 4: 0.5})


def lead_on(strategy: MapElites, known: Archive, first: int, last: int) -> None:
    """Let trials fail."""
    from slotforge.core.ids import generator

    from .hand_made import tell

    for number in range(first, last + 1):
        tell(strategy, known, number, strategy.ask(known, generator(number)), None)


def test_every_island_begins_with_the_best_seed_and_the_others_are_dealt_out() -> None:
    PLACES.update({"a": 0.0, "b": 0.3, "c": 0.7})
    seeds = [trial(-n, r, candidate(alpha=c)) for n, r, c in ((1, 0.8, "a"), (2, 0.9, "b"), (3, 0.95, "c"))]
    strategy, known = MapElites(islands=2), placed(*seeds)
    lead(strategy, known, lambda *_: None, 1)
    assert (elites(strategy, 0), elites(strategy, 1)) == ({0: 0.8, 3: 0.95}, {0: 0.8, 1: 0.9, 2: 1.0})


def test_a_child_is_raced_against_its_parent_so_that_other_kinds_are_measured_in_full() -> None:
    PLACES.update({"code 1": 0.9, "code 2": 0.1})
    strategy, known = MapElites(islands=1, greed=0, cross=0.5), placed()
    raced: list[bool] = []

    def answer(number: int, request: Request) -> float | None:
        assert known.incumbent.candidate is not None
        raced.append(known.incumbent.candidate.id == request.parents[0].id)
        return [0.5, 2.0][number - 1] if number < 3 else None

    asked = lead(strategy, known, answer, 60)
    assert all(raced)
    assert {len(request.parents) for request in asked} == {1, 2}
    assert all(r.operator == ("crossover" if len(r.parents) == 2 else "mutate") for r in asked)
    assert all(len(set(pair)) == len(pair) for pair in parents(asked))


def test_settings_that_make_no_sense_are_refused() -> None:
    for setting in ("islands=0", "bins=0", "migrate=0", "greed=-1"):
        with pytest.raises(UsageError, match="expected at least"):
            make(f"map_elites:{setting}")
