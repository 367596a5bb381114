"""FunSearch: clusters by signature, short programs, two versions sorted, and resets of exactly the worse half."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.errors import UsageError
from slotforge.core.ids import generator
from slotforge.core.types import Candidate
from slotforge.search.strategies import make
from slotforge.search.strategies._islands import Island, brief, favoured
from slotforge.search.strategies.funsearch import FunSearch, _distinct

from .hand_made import archive, candidate, lead, parents, trial

SCORES = st.lists(st.floats(-3, 3), min_size=1, max_size=20)


def test_programs_that_cost_the_same_on_every_instance_are_one_cluster() -> None:
    island = Island(best=trial(0, 1.0, costs=(5.0, 7.0)))
    island.register(trial(1, 1.0, costs=(7.0, 5.0)))
    island.register(trial(2, 1.0, costs=(5.0, 7.0)))
    assert {key: [t.number for t in programs] for key, programs in island.clusters.items()} == {
        (5.0, 7.0): [0, 2],
        (7.0, 5.0): [1],
    }
    assert island.programs == 3


@given(SCORES, st.floats(0.1, 1000), st.floats(-100, 100))
def test_the_choice_of_clusters_does_not_depend_on_the_scale_of_scores(
    scores: list[float], scale: float, shift: float
) -> None:
    grid = [round(score, 3) for score in scores]
    moved = [score * scale + shift for score in grid]
    assert favoured(grid, 0.1) == pytest.approx(favoured(moved, 0.1), abs=1e-6)


@given(SCORES)
def test_better_clusters_are_likelier_and_the_more_so_the_colder_it_is(scores: list[float]) -> None:
    order = np.argsort(scores, kind="stable")
    cold, warm = favoured(scores, 0.1), favoured(scores, 1.0)
    assert np.all(np.diff(cold[order]) >= 0)
    assert cold.sum() == pytest.approx(1)
    assert cold.max() >= warm.max() - 1e-12


def test_within_a_cluster_shorter_programs_are_likelier() -> None:
    shares = brief([100, 200, 400])
    assert shares[0] > shares[1] > shares[2]
    assert shares[0] / shares[2] == pytest.approx(np.exp(300 / 400), rel=1e-6)
    rng = generator(3)
    island = Island(best=trial(0, 1.0, candidate(alpha="x" * 400), costs=(1.0,)))
    island.register(trial(1, 1.0, candidate(alpha="x" * 100), costs=(1.0,)))
    drawn = Counter(island.draw(2, 0.1, rng)[0].number for _ in range(1000))
    assert drawn[1] / 1000 == pytest.approx(np.exp(300 / 400) / (1 + np.exp(300 / 400)), abs=0.05)


def test_versions_come_best_first_and_none_twice() -> None:
    island = Island(best=trial(0, 1.0))
    for n in range(1, 6):
        island.register(trial(n, 1 - n / 10))
    for seed in range(50):
        drawn = [t.ratio for t in island.draw(3, 1.0, generator(seed))]
        assert drawn == sorted(set(drawn))


def test_a_child_joins_the_island_of_its_prompt() -> None:
    known, strategy = archive(), FunSearch(islands=3, reset=1000)
    requests = lead(strategy, known, lambda n, _: 1 - n / 1000, 60, window=4)
    home: dict[str, int] = {}
    for place, island in enumerate(strategy._islands):
        for programs in island.clusters.values():
            home |= {t.candidate.slots.get("alpha", ""): place for t in programs if t.number > 0 and t.candidate}
    assert len(home) == 60
    for n, codes in enumerate(parents(requests), start=1):
        assert {home[code] for code in codes if code} <= {home[f"code {n}"]}


@pytest.mark.parametrize("islands", [2, 5, 6])
def test_a_reset_begins_exactly_the_worse_half_anew_from_a_survivor(islands: int) -> None:
    strategy = FunSearch(islands=islands, reset=30)
    known = archive()
    lead(strategy, known, lambda n, _: 0.5 + (n * 7919) % 100 / 200, 30)
    before = list(strategy._islands)
    strategy.ask(known, generator("reset"))
    gone = [place for place, island in enumerate(strategy._islands) if island is not before[place]]
    kept = [island.best.ratio for place, island in enumerate(before) if place not in gone]
    assert len(gone) == islands // 2
    assert max(kept) <= min(before[place].best.ratio for place in gone)
    for place in gone:
        assert strategy._islands[place].programs == 1
        assert strategy._islands[place].best.ratio in kept


def test_resets_come_every_so_many_trials() -> None:
    strategy = FunSearch(islands=2, reset=10)
    known, resets, seen = archive(), [], [None, None]

    def answer(n: int, _: object) -> float:
        if any(one is not other for one, other in zip(seen, strategy._islands, strict=True)):
            resets.append(n)
            seen[:] = strategy._islands
        return 1 - (n * 7919) % 97 / 200

    lead(strategy, known, answer, 45)
    assert resets == [1, 11, 21, 31, 41]


def test_a_version_whose_code_in_the_slot_is_that_of_a_better_one_is_left_out() -> None:
    requests = lead(FunSearch(islands=1), archive(slots=("alpha", "beta")), lambda n, _: 1 - n / 1000, 200)
    assert {len(request.parents) for request in requests} == {1, 2}
    for request, codes in zip(requests, parents(requests), strict=True):
        assert len(request.slots) == 1
        assert len(set(codes)) == len(codes)


def test_of_versions_with_the_same_code_the_best_stays_in_its_place() -> None:
    versions = [Candidate(domain="d", slots={"alpha": code, "beta": str(n)}) for n, code in enumerate("xyxz")]
    assert _distinct(versions, "alpha") == (versions[0], versions[1], versions[3])


def test_proposals_are_raced_against_the_best_of_the_weakest_island() -> None:
    known, strategy = archive(), FunSearch(islands=3, reset=1000)
    lead(strategy, known, lambda n, _: 0.9 - n / 100, 40)
    assert known.incumbent.ratio == max(island.best.ratio or 0 for island in strategy._islands)


def test_settings_without_sense_are_refused() -> None:
    for setting in ("islands=0", "versions=0", "temperature=0", "reset=0"):
        with pytest.raises(UsageError, match="expected at least"):
            make(f"funsearch:{setting}")
