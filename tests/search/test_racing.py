"""The racing test keeps its error rate however often one looks, and still saves most of the cost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.types import Measurement, Outcome
from slotforge.search.racing import WorseTest, defect, geometric_mean_ratio


def looks_until_dropped(logs: np.ndarray, *, alpha: float = 0.05) -> int | None:
    test = WorseTest(alpha=alpha)
    for count, log_ratio in enumerate(logs, 1):
        test.add(float(log_ratio))
        if test.worse:
            return count
    return None


@pytest.mark.parametrize("spread", [0.05, 0.5, 2.0])
def test_a_candidate_that_is_as_good_is_dropped_at_most_as_often_as_stated(spread: float) -> None:
    rng = np.random.default_rng(1)
    searches, alpha = 2000, 0.05
    dropped = sum(looks_until_dropped(rng.normal(0, spread, 60), alpha=alpha) is not None for _ in range(searches))
    assert dropped / searches <= alpha + 2 * math.sqrt(alpha * (1 - alpha) / searches)


def test_skewed_costs_do_not_break_the_error_rate() -> None:
    """Mean zero, but mostly a little worse and sometimes much better: the hard case for a test on means."""
    rng = np.random.default_rng(2)
    draws = rng.random((2000, 60))
    logs = np.where(draws < 0.1, -0.9, 0.1)
    dropped = sum(looks_until_dropped(row) is not None for row in logs)
    assert dropped / 2000 <= 0.06


@pytest.mark.parametrize(("ratio", "most_looks"), [(3.0, 7), (1.5, 14)])
def test_a_clearly_worse_candidate_leaves_early(ratio: float, most_looks: int) -> None:
    rng = np.random.default_rng(3)
    looks = [looks_until_dropped(rng.normal(math.log(ratio), 0.2, 60)) for _ in range(200)]
    assert all(looks)
    assert np.median([count for count in looks if count]) <= most_looks


@given(st.lists(st.floats(-20, 20), max_size=100))
def test_a_candidate_that_never_costs_more_is_never_dropped(logs: list[float]) -> None:
    assert looks_until_dropped(-np.abs(np.array(logs))) is None


def measurement(instance: str, cost: float, family: str = "f", outcome: Outcome = Outcome.SOLVED) -> Measurement:
    return Measurement(candidate="c", instance=instance, family=family, seed=0, outcome=outcome, cost=cost, cpu_s=0)


def test_families_weigh_alike_however_many_instances_they_have() -> None:
    reference = {i: measurement(i, 100) for i in "abc"}
    measured = [measurement("a", 50, "big"), measurement("b", 50, "big"), measurement("c", 200, "small")]
    assert geometric_mean_ratio(measured, reference, 10) == pytest.approx(1.0)


def test_one_instance_cannot_decide_the_mean_beyond_the_cap() -> None:
    assert geometric_mean_ratio([measurement("a", 1)], {"a": measurement("a", 1e9)}, 10) == pytest.approx(0.1)


def test_a_wrong_answer_comes_before_any_other_defect() -> None:
    runs = [measurement("a", 1, outcome=o) for o in (Outcome.SOLVED, Outcome.TIMEOUT, Outcome.CRASH, Outcome.WRONG)]
    assert defect(runs) is runs[3]
    assert defect(runs[:1]) is None
