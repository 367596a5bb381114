"""StepScore, profiles and distributions, against values by hand and properties that hold for all measurements."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.ids import generator
from slotforge.core.types import CAP, Measurement, Outcome
from slotforge.solvers.optim import pictures, score

MISS = math.inf


def measured(
    instance: str, calls: float, *, family: str = "f", default: float = MISS, few: float = MISS, build: str = "verdict"
) -> Measurement:
    """Make a measurement with 48 trials that reaches all targets at once, or none."""
    told = {"calls_default": default, "calls_12_trials": few, **{f"target_{k}": calls for k in range(1, 9)}}
    stats = {"trials": 48.0 if build == "verdict" else 12.0} | {k: v for k, v in told.items() if math.isfinite(v)}
    return Measurement(
        candidate="c", instance=instance, family=family, seed=0, outcome=Outcome.SOLVED,
        cost=min(calls, 1e6), cpu_s=0.1, stats=stats, build=build,
    )  # fmt: skip


def scored(own: list[Measurement], best: list[Measurement], trials: int = 48) -> score.StepScore:
    return score.step_score(own, best, trials, generator("test"))


def test_families_weigh_alike_however_many_problems_they_have() -> None:
    best = [measured(name, 100, family="a") for name in "xyz"] + [measured("w", 100, family="b")]
    own = [measured(name, 50, family="a") for name in "xyz"] + [measured("w", 200, family="b")]
    found = scored(own, best)
    assert found.families == pytest.approx({"a": 2.0, "b": 0.5})
    assert found.score == pytest.approx(1.0)
    assert (found.problems, found.worst) == (4, ("w", pytest.approx(0.5)))


def test_ratios_are_cut_and_a_miss_is_the_lower_bound() -> None:
    best = [measured("x", 1000), measured("y", 10), measured("z", 10), measured("u", MISS), measured("v", MISS)]
    own = [measured("x", 1), measured("y", 1e5), measured("z", MISS), measured("u", 5), measured("v", MISS)]
    logs = score.ratios(own, best, 48)["f"]
    assert {name: math.exp(value) for name, value in logs.items()} == pytest.approx(
        {"x": CAP, "y": 1 / CAP, "z": 1 / CAP, "u": CAP, "v": 1.0}
    )


def test_a_rule_that_broke_down_counts_as_a_miss() -> None:
    broken = measured("x", MISS).model_copy(update={"stats": {}, "outcome": Outcome.CRASH})
    assert scored([broken], [measured("x", 10)]).score == pytest.approx(1 / CAP)


def test_fewer_trials_are_held_against_the_specialist_with_all_of_its_own() -> None:
    best = [measured("x", 100, default=900, few=300)]
    own = [measured("x", 100, default=400, few=200)]
    assert [scored(own, best, trials).score for trials in (1, 12, 48)] == pytest.approx([0.25, 0.5, 1.0])


def test_what_is_not_known_of_few_trials_makes_the_score_a_lower_bound() -> None:
    found = scored([measured("x", 100), measured("y", MISS)], [measured("x", 100), measured("y", 100)], 1)
    assert (found.score, found.at_least) == (pytest.approx(1 / CAP), 1)


def test_defaults_that_were_run_in_vain_are_known_to_have_missed() -> None:
    one = measured("x", 100)
    known = one.model_copy(update={"stats": {**one.stats, "missed_default": 1.0}})
    best = [measured("x", 100)]
    assert [scored([m], best, 1).at_least for m in (one, known)] == [1, 0]
    assert scored([known], best, 1).score == pytest.approx(1 / CAP)


def test_a_search_says_nothing_of_48_trials() -> None:
    search, verdict = measured("x", 10, build="search"), measured("x", 10)
    assert [score.known([search], trials) for trials in score.TRIALS] == [True, True, False]
    assert score.known([verdict], 48)
    assert not score.known([verdict, search], 48)


def test_only_pairs_of_one_problem_and_seed_are_compared() -> None:
    other = measured("x", 10).model_copy(update={"seed": 1})
    assert score.ratios([measured("x", 10)], [other, measured("y", 10)], 48) == {}
    with pytest.raises(ValueError, match="no problem"):
        scored([measured("x", 10)], [other])


@pytest.mark.parametrize(
    ("calls", "word"),
    [
        ({"a": [50] * 4, "b": [50] * 4}, "accepted"),
        ({"a": [50] * 4, "b": [125] * 4}, "not accepted"),  # one family is 0.8
        ({"a": [100] * 4, "b": [100] * 4}, "not accepted"),  # the bound is not above 1
        ({"a": [20, 500, 20, 500], "b": [40, 250, 40, 250]}, "not accepted"),  # too uncertain
        ({"a": [50] * 2, "b": [50] * 3}, "too few problems"),
    ],
)
def test_a_rule_is_accepted_when_it_is_better_for_sure_and_nowhere_much_worse(
    calls: dict[str, list[float]], word: str
) -> None:
    own = [measured(f"{f}{i}", c, family=f) for f, found in calls.items() for i, c in enumerate(found)]
    best = [measured(m.instance, 100, family=m.family) for m in own]
    assert scored(own, best).word == word


def test_the_interval_holds_the_score_and_follows_from_the_generator() -> None:
    best = [measured(str(i), 100) for i in range(20)]
    own = [measured(str(i), 40 + 7 * i) for i in range(20)]
    found = scored(own, best)
    assert 1 / CAP < found.low < found.score < found.high < CAP
    assert scored(own, best) == found
    logs = [math.log(100 / (40 + 7 * i)) for i in range(20)]
    half = 1.96 * float(np.std(logs)) / math.sqrt(20)
    assert math.log(found.high / found.low) == pytest.approx(2 * half, rel=0.15)


calls = st.one_of(st.floats(1, 1e5), st.just(MISS))


@given(st.lists(st.tuples(st.sampled_from("abc"), calls, calls), min_size=1, max_size=12))
def test_the_score_lies_within_the_caps_and_turns_over_when_rule_and_specialist_change_places(
    told: list[tuple[str, float, float]],
) -> None:
    own = [measured(str(i), a, family=f) for i, (f, a, _) in enumerate(told)]
    best = [measured(str(i), b, family=f) for i, (f, _, b) in enumerate(told)]
    there, back = score.mean(score.ratios(own, best, 48)), score.mean(score.ratios(best, own, 48))
    assert abs(there) <= math.log(CAP) + 1e-9
    assert there == pytest.approx(-back)
    assert score.mean(score.ratios(own, own, 48)) == 0


@given(st.lists(st.tuples(calls, calls), min_size=1, max_size=8), st.floats(0.1, 0.9))
def test_fewer_calls_never_lower_the_score(told: list[tuple[float, float]], share: float) -> None:
    best = [measured(str(i), b) for i, (_, b) in enumerate(told)]
    slow = [measured(str(i), a) for i, (a, _) in enumerate(told)]
    quick = [measured(str(i), share * a) for i, (a, _) in enumerate(told)]
    assert score.mean(score.ratios(quick, best, 48)) >= score.mean(score.ratios(slow, best, 48))


TABLE = np.array([[10.0, 30.0, MISS, MISS], [20.0, 10.0, 10.0, MISS]])


def test_profiles_and_their_integral_are_those_by_hand() -> None:
    heights = score.profile(TABLE, np.array([1.0, 2.0, 3.0, 4.0]))
    assert heights.tolist() == [[0.25, 0.25, 0.5, 0.5], [0.5, 0.75, 0.75, 0.75]]
    # by hand: the first is best on one problem and 3 times slower on another, (3 + 1 + 0 + 0) / 3 / 4
    assert score.integrated_profile(TABLE).tolist() == pytest.approx([4 / 12, 8 / 12])


@given(st.lists(st.tuples(calls, calls, calls), min_size=1, max_size=10))
def test_the_integrated_profile_is_the_area_under_the_profile(told: list[tuple[float, ...]]) -> None:
    table = np.array(told).T
    within = 1 + 3 * (np.arange(6000) + 0.5) / 6000
    area = score.profile(table, within).mean(axis=1)
    assert score.integrated_profile(table) == pytest.approx(area, abs=1e-3)


def test_the_anytime_distribution_counts_targets_in_units_of_each_problem() -> None:
    x = measured("x", MISS).model_copy(update={"stats": {"target_1": 5.0, "target_2": 10.0}})
    y = measured("y", 40)
    reached, shares = score.anytime([x, y, measured("z", 1)], {"x": 10.0, "y": 20.0})
    assert reached.tolist() == [0.5, 1.0, *[2.0] * 8]
    assert shares.tolist() == pytest.approx([k / 16 for k in range(1, 11)])
    assert score.anytime([], {})[0].size == 0


def test_a_sheet_shows_each_family_the_distribution_and_the_profiles() -> None:
    best = [measured("x", 100, family="a"), measured("y", 100, family="b")]
    own = [measured("x", 50, family="a"), measured("y", MISS, family="b")]
    drawn = ElementTree.fromstring(pictures.sheet_of({"rule & co": own, "best": best}, "best"))
    words = list(drawn.itertext())
    assert [title for title in ("a", "b", "anytime", "performance profiles") if title not in words] == []
    assert "rule & co (B = 0.50)" in words
    assert "best (B = 0.83)" in words
