"""The verdict's interval and p-value mean what they say."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.comparison import Pair
from slotforge.core.types import Instance, Measurement, Outcome, Suite
from slotforge.search.verdict import too_few, verdict, wilcoxon_p
from slotforge.solvers.sat.instances import split


def pairs(logs: np.ndarray, *, family: str = "f", cpu_factor: float = 1.0, seeds: int = 1) -> list[Pair]:
    """Make pairs whose log cost ratio is as given, and whose CPU ratio is that times a factor."""

    def run(candidate: str, index: int, seed: int, cost: float, cpu_s: float) -> Measurement:
        return Measurement(
            candidate=candidate,
            instance=f"{family}{index}",
            family=family,
            seed=seed,
            outcome=Outcome.SOLVED,
            cost=cost,
            cpu_s=cpu_s,
            evidence="proof",
        )

    return [
        Pair(
            candidate=run("c", i, s, 1e6 * math.exp(log), math.exp(log) * cpu_factor), against=run("b", i, s, 1e6, 1.0)
        )
        for i, log in enumerate(logs)
        for s in range(seeds)
    ]


def test_asking_again_until_the_answer_is_better_finds_it_by_luck_in_at_most_twice_as_many_cases() -> None:
    """Nobody is faster, and everybody asks up to twelve times."""
    rng = np.random.default_rng(11)

    def asked(corrected: bool) -> bool:
        return any(
            verdict(pairs(rng.normal(0, 0.5, 12)), failed=corrected * times).verdict == "better" for times in range(12)
        )

    assert sum(asked(False) for _ in range(300)) > 300 * 0.1
    assert sum(asked(True) for _ in range(300)) < 300 * (0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 300))


def test_each_earlier_verdict_that_was_not_better_doubles_p_and_is_told() -> None:
    both = [*pairs(np.linspace(-0.4, 0.05, 10), family="a"), *pairs(np.linspace(-0.6, 0.1, 10), family="b")]
    once, again = verdict(both), verdict(both, failed=3)
    assert again.p == pytest.approx(8 * once.p)
    assert (again.ratio, again.low, again.high) == (once.ratio, once.low, once.high)
    assert all(again.families[name].p == pytest.approx(min(1, 8 * one.p)) for name, one in once.families.items())
    assert set(again.notes) - set(once.notes) == {
        "3 earlier verdicts on this candidate or on these instances ended otherwise than better, so that p is "
        "multiplied by 8"
    }


def test_what_p_alone_denies_is_not_laid_to_cpu_seconds() -> None:
    few = pairs(np.linspace(-0.5, -0.3, 6))
    assert verdict(few).verdict == "better"
    assert verdict(few, failed=10**6).p == 1
    again = verdict(few, failed=1)
    assert (again.verdict, again.high < 1) == ("no difference", True)
    assert not any("CPU seconds" in note for note in again.notes)


def test_fewer_ticks_are_no_gain_where_cpu_seconds_do_not_show_it() -> None:
    """Runs of 15 ms, in which ticks are a third and CPU time is the same but for noise."""
    rng = np.random.default_rng(3)
    called = 0
    for _ in range(200):
        quick = []
        for pair in pairs(np.full(12, math.log(1 / 3))):
            own, other = (0.015 * math.exp(rng.normal(0, 0.1)) for _ in range(2))
            quick.append(
                Pair(
                    candidate=pair.candidate.model_copy(update={"cpu_s": own}),
                    against=pair.against.model_copy(update={"cpu_s": other}),
                )
            )
        held = verdict(quick)
        called += held.verdict == "better"
        if held.verdict == "no difference":
            assert "costs less, but CPU seconds do not show it" in held.notes
    assert called / 200 <= 0.025 + 0.022


def test_equal_solvers_are_called_better_or_worse_at_most_as_rarely_as_the_level_says() -> None:
    rng = np.random.default_rng(0)
    words = [verdict(pairs(rng.normal(0, 0.5, 24))).verdict for _ in range(400)]
    assert sum(word != "no difference" for word in words) / 400 <= 0.05 + 0.022


@pytest.mark.parametrize("side", [1, -1])
def test_what_mostly_gains_a_little_and_now_and_then_loses_much_is_rarely_called_better(side: int) -> None:
    """The mean of the logs is 0; the mirror image is as rarely called worse."""
    rng = np.random.default_rng(5)
    wrong = "better" if side == 1 else "worse"
    words = [verdict(pairs(side * 0.3 * (rng.exponential(size=24) - 1))).verdict for _ in range(400)]
    assert sum(word == wrong for word in words) / 400 <= 0.025 + 0.01


def test_the_interval_covers_the_true_ratio_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    made = [verdict(pairs(rng.normal(-0.2, 0.4, 20))) for _ in range(400)]
    covered = sum(v.low <= math.exp(-0.2) <= v.high for v in made) / 400
    assert 0.92 <= covered <= 0.98


def test_a_clear_gain_is_better_and_its_mirror_image_is_worse() -> None:
    logs = np.random.default_rng(2).normal(-0.3, 0.2, 20)
    gain, loss = verdict(pairs(logs)), verdict(pairs(-logs))
    assert (gain.verdict, loss.verdict) == ("better", "worse")
    assert gain.ratio == pytest.approx(1 / loss.ratio)
    assert gain.high < 1 < loss.low


def test_a_family_whose_gain_cpu_seconds_do_not_bear_out_is_named_with_that_reason() -> None:
    rng = np.random.default_rng(4)
    clear = pairs(rng.normal(-0.4, 0.1, 12), family="a")
    noisy = [
        pair.model_copy(update={"candidate": pair.candidate.model_copy(update={"cpu_s": math.exp(rng.normal(0, 0.5))})})
        for pair in pairs(rng.normal(-0.1, 0.05, 12), family="b")
    ]
    held = verdict(clear + noisy)
    assert (held.families["a"].verdict, held.families["b"].verdict) == ("better", "no difference")
    assert held.families["b"].high < 1
    assert held.families["b"].p < 0.05
    assert "b: costs less, but CPU seconds do not show it" in held.notes
    assert "costs less, but CPU seconds do not show it" not in held.notes
    assert not verdict(clear + noisy, by_cpu=False).notes


def test_families_are_judged_apart_and_their_p_values_corrected() -> None:
    rng = np.random.default_rng(3)
    both = pairs(rng.normal(-0.4, 0.1, 12), family="a") + pairs(rng.normal(0, 0.4, 12), family="b")
    made = verdict(both)
    assert made.families["a"].verdict == "better"
    assert made.families["b"].verdict == "no difference"
    assert made.families["a"].p == pytest.approx(2 * verdict(pairs(rng.normal(-0.4, 0.1, 12), family="a")).p)


def test_seeds_of_one_instance_are_not_counted_as_instances() -> None:
    made = verdict(pairs(np.array([-0.5, -0.4, -0.6]), seeds=10))
    assert made.instances == 3
    assert made.verdict == "no difference"


def test_a_policy_that_works_much_between_ticks_is_judged_on_cpu_seconds() -> None:
    logs = np.random.default_rng(4).normal(-0.3, 0.05, 20)
    made = verdict(pairs(logs, cpu_factor=2.0))
    assert made.verdict == "worse"
    assert made.ratio == pytest.approx(made.cpu_ratio)
    assert "CPU" in made.notes[0]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([-3.0, -0.5, -0.25, 0.0, 0.5]), min_size=1, max_size=5), st.integers(0, 60))
def test_five_instances_that_differ_are_never_significant(differing: list[float], equal: int) -> None:
    assert wilcoxon_p(np.array(differing + [0.0] * equal)) >= 0.05


def test_six_instances_can_be_significant_and_fewer_are_said_to_be_too_few() -> None:
    few, enough = (verdict(pairs(np.linspace(-1, -0.9, count))) for count in (5, 6))
    assert (few.verdict, enough.verdict) == ("no difference", "better")
    assert "5 instances: with fewer than 6 no difference can reach p < 0.05" in few.notes
    assert not enough.notes


@given(st.integers(3, 40))
def test_as_many_instances_as_are_asked_for_are_enough(count: int) -> None:
    def warnings(suite: Suite) -> tuple[str, ...]:
        return too_few(len(suite.holdout), len(suite.search + suite.select))

    said = warnings(family(count))
    assert bool(said) == (count < 15)
    for needed in re.findall(r"(\d+) instances in all", " ".join(said)):
        assert not warnings(family(int(needed)))


def family(count: int) -> Suite:
    return split([Instance(id=f"{n}", name="", family="f", path="") for n in range(count)])


def test_one_instance_decides_nothing() -> None:
    assert verdict(pairs(np.array([-2.0]))).verdict == "no difference"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20))
def test_a_verdict_is_always_consistent(logs: list[float]) -> None:
    made = verdict(pairs(np.array(logs)))
    assert made.low <= made.ratio * (1 + 1e-9)
    assert made.ratio <= made.high * (1 + 1e-9)
    assert 0 <= made.p <= 1
