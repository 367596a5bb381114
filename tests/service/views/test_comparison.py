"""Two candidates on what both were measured on, against figures worked out by hand."""

from __future__ import annotations

import pytest

from slotforge.core.comparison import Held, Pair, Verdict
from slotforge.core.errors import UsageError
from slotforge.core.types import CAP, Candidate, Outcome
from slotforge.search.verdict import verdict
from slotforge.service.views.candidates import Split
from slotforge.service.views.comparison import compare

from .conftest import BASELINE, Scene, made, run_of

FAST, SLOW = made("fast"), made("slow")


def filled(scene: Scene) -> str:
    """Measure two on four instances of two families: the ratios are 1/2, 1/2, 1/8 and 2."""
    scene.families = {"c": "large", "d": "large"}
    run = scene.run()
    scene.baseline(run, 8, 8, 8, 8)
    for number, (candidate, costs) in enumerate(((FAST, (1, 2, 1, 8)), (SLOW, (2, 4, 8, 4))), 1):
        measured = tuple(
            run_of(candidate, i, cost, family=scene.families.get(i, "small"))
            for i, cost in zip("abcd", costs, strict=True)
        )
        scene.trial(run, number, candidate, ratio=0.5, instances=4, measurements=measured)
    return run


def test_ratio_families_points_and_cactus_are_what_one_works_out_by_hand(scene: Scene) -> None:
    filled(scene)
    found = compare(scene.store, FAST.id, SLOW.id)
    assert [(p.instance, p.name, p.family, p.a, p.b) for p in found.points] == [
        ("c", "c.cnf", "large", 1, 8), ("d", "d.cnf", "large", 8, 4),
        ("a", "a.cnf", "small", 1, 2), ("b", "b.cnf", "small", 2, 4),
    ]  # fmt: skip
    assert found.cactus_a == (1, 1, 2, 8)
    assert found.cactus_b == (2, 4, 4, 8)
    assert found.overall is not None
    assert found.overall.ratio == pytest.approx((1 / 2 * 1 / 2 * 1 / 8 * 2) ** (1 / 4))
    assert found.overall.instances == 4
    assert found.overall.low < found.overall.ratio < found.overall.high
    assert found.families["small"].ratio == pytest.approx(1 / 2)
    assert found.families["large"].ratio == pytest.approx(1 / 2)
    assert found.notes == (
        "4 of 4 runs are on instances that a search scored or chose on, which flatters what it found there",
    )


def test_turned_round_it_is_the_inverse(scene: Scene) -> None:
    filled(scene)
    there, back = compare(scene.store, FAST.id, SLOW.id), compare(scene.store, SLOW.id, FAST.id)
    assert there.overall
    assert back.overall
    assert there.overall.ratio * back.overall.ratio == pytest.approx(1)
    assert (there.cactus_a, there.cactus_b) == (back.cactus_b, back.cactus_a)


def test_a_run_at_the_limit_counts_twice_and_one_that_failed_not_at_all(scene: Scene) -> None:
    run = scene.run()
    other = scene.run(seed=1)
    limit = (*(run_of(FAST, i, 10, outcome=Outcome.LIMIT) for i in "ab"), run_of(FAST, "c", 5))
    solved = (run_of(SLOW, "a", 10), run_of(SLOW, "c", 5, outcome=Outcome.CRASH))
    scene.trial(run, 1, FAST, ratio=0.5, instances=3, measurements=limit)
    scene.trial(other, 1, SLOW, ratio=0.5, instances=2, measurements=solved)
    found = compare(scene.store, FAST.id, SLOW.id)
    assert found.overall is not None
    assert (found.overall.ratio, found.overall.instances) == (pytest.approx(2), 1)
    assert (found.overall.low, found.overall.high) == (1 / 8, 8)
    assert "1 of 2 runs came to no end for one of them: they are no part of the ratios" in found.notes
    assert (found.cactus_a, found.cactus_b) == ((5,), (10,))


def test_verdicts_come_before_what_searches_measured(scene: Scene) -> None:
    run = filled(scene)
    pairs = (Pair(candidate=run_of(FAST, "a", 30, build="fused"), against=run_of(BASELINE, "a", 10, build="fused")),)
    figures = {"ratio": 3, "low": 1, "high": 8, "p": 1, "instances": 1, "cpu_ratio": 1}
    told = Verdict(**figures, verdict="no difference")
    scene.store.record_verdict(run, Held(candidate=FAST, against=BASELINE, verdict=told, pairs=pairs))
    found = compare(scene.store, FAST.id, BASELINE.id)
    splits = {point.instance: (point.split, point.a, point.b) for point in found.points}
    assert splits == {
        "a": (Split.UNSEEN, 30, 10),
        "b": (Split.SEARCH, 2, 8),
        "c": (Split.SEARCH, 1, 8),
        "d": (Split.SEARCH, 8, 8),
    }
    assert [p.instance for p in compare(scene.store, FAST.id, BASELINE.id, splits=[Split.UNSEEN]).points] == ["a"]
    back = compare(scene.store, BASELINE.id, FAST.id, splits=[Split.UNSEEN])
    assert [(p.a, p.b) for p in back.points] == [(10, 30)]


def test_what_was_never_run_together_says_so(scene: Scene) -> None:
    filled(scene)
    scene.trial(scene.run(seed=1), 1, made("new"), ratio=0.5)
    found = compare(scene.store, FAST.id, made("new").id)
    assert (found.points, found.overall, found.families) == ((), None, {})
    assert "hold one against the other with confirm" in found.notes[0]


def test_a_candidate_is_neither_compared_to_itself_nor_to_one_of_another_domain(scene: Scene) -> None:
    run = filled(scene)
    stranger = Candidate(domain="tsp", slots={"update": "x"})
    scene.trial(run, 9, stranger, ratio=0.5)
    with pytest.raises(UsageError, match="cannot be compared to itself"):
        compare(scene.store, FAST.id, FAST.id[:9])
    with pytest.raises(UsageError, match="nothing in common"):
        compare(scene.store, FAST.id, stranger.id)


def test_an_interval_is_that_of_a_verdict_on_the_same_runs(scene: Scene) -> None:
    filled(scene)
    found = compare(scene.store, FAST.id, SLOW.id)
    costs = {"a": (1, 2, "small"), "b": (2, 4, "small"), "c": (1, 8, "large"), "d": (8, 4, "large")}
    pairs = [
        Pair(candidate=run_of(FAST, i, a, family=family), against=run_of(SLOW, i, b, family=family))
        for i, (a, b, family) in costs.items()
    ]
    judged = verdict(pairs, by_cpu=False)
    assert found.overall is not None
    assert (found.overall.low, found.overall.high) == (max(judged.low, 1 / CAP), min(judged.high, CAP))
    assert found.overall.high < CAP, "the interval itself, not the bound, is looked at here"
    assert {(one.low, one.high) for one in found.families.values()} == {(1 / CAP, CAP)}, "two instances say nothing"
    assert {name: one.p for name, one in found.families.items()} == {n: one.p for n, one in judged.families.items()}
