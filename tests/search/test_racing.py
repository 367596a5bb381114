"""The racing test keeps its error rate however often one looks, and still saves most of the cost."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.types import (
    CAP,
    Candidate,
    Instance,
    Measurement,
    Outcome,
    Trial,
    TrialState,
    log_ratio,
)
from slotforge.search import worker
from slotforge.search.race import Race, Result
from slotforge.search.racing import WorseTest, defect, geometric_mean_ratio


def looks_until_dropped(logs: np.ndarray, *, alpha: float = 0.05) -> int | None:
    test = WorseTest(alpha=alpha)
    for count, log in enumerate(logs, 1):
        test.add(float(log))
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
    assert geometric_mean_ratio(measured, reference) == pytest.approx(1.0)


def test_one_instance_cannot_decide_the_mean_beyond_the_cap() -> None:
    assert geometric_mean_ratio([measurement("a", 1)], {"a": measurement("a", 1e9)}) == pytest.approx(1 / CAP)


def test_a_run_that_was_cut_counts_twice_its_limit() -> None:
    cut = measurement("a", 150, outcome=Outcome.LIMIT)
    assert geometric_mean_ratio([cut], {"a": measurement("a", 100)}) == pytest.approx(3.0)


class Course:
    """An executor of runs whose true costs are known: a run ends at its limit or at its cost."""

    def __init__(self, costs: list[int]) -> None:
        self.costs = costs

    async def submit(self, _: object, tasks: tuple[worker.Task, ...]) -> worker.Block:
        return worker.Block(measurements=tuple(self.run(int(t.instance.id), t.limit) for t in tasks))

    def run(self, place: int, limit: float | None = None) -> Measurement:
        cut = limit is not None and self.costs[place] > limit
        cost = limit if cut and limit is not None else self.costs[place]
        return measurement(str(place), cost, outcome=Outcome.LIMIT if cut else Outcome.SOLVED)


def race(costs: list[int], against: Sequence[Measurement], baseline: list[Measurement]) -> Result:
    """Race a solver of these true costs, one instance after another to the end."""
    course = Race(
        executor=Course(costs),  # type: ignore[arg-type]
        instances=[Instance(id=m.instance, name="", family="f", path="") for m in baseline],
        seed=0,
        reference={m.instance: m for m in baseline},
        alpha=1e-300,
    )
    fields = {"operator": "o", "slots": (), "parents": (), "state": TrialState.SCORED, "measurements": tuple(against)}
    return asyncio.run(course.run(Candidate(domain=""), Trial(run="r", number=0, **fields)))


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(20_000, 10_000_000)] * 3), min_size=1, max_size=6))
def test_a_cut_run_never_counts_less_than_the_baseline_or_the_incumbent(costs: list[tuple[int, int, int]]) -> None:
    baseline, incumbent, candidate = (list(column) for column in zip(*costs, strict=True))
    reference = [Course(baseline).run(place) for place in range(len(costs))]
    rivals = race(incumbent, reference, reference).measurements
    made = race(candidate, rivals, reference)
    assert made.state is TrialState.SCORED
    for own, rival, base in zip(made.measurements, rivals, reference, strict=True):
        if own.outcome is Outcome.LIMIT:
            assert log_ratio(own, base) >= max(log_ratio(rival, base), math.log(2))
    if all(own.outcome is Outcome.LIMIT for own in made.measurements):
        known = geometric_mean_ratio(rivals, {m.instance: m for m in reference})
        assert made.ratio is not None
        assert made.ratio >= known - 1e-9


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(20_000, 10_000_000)] * 2), min_size=1, max_size=6))
def test_what_the_winner_is_chosen_by_is_as_if_no_run_had_been_cut(costs: list[tuple[int, int]]) -> None:
    baseline, candidate = (Course(list(column)) for column in zip(*costs, strict=True))
    reference = {str(place): baseline.run(place) for place in range(len(costs))}
    cut = [candidate.run(place, math.ceil(reference[str(place)].cost * CAP)) for place in range(len(costs))]
    whole = [candidate.run(place) for place in range(len(costs))]
    assert geometric_mean_ratio(cut, reference) == pytest.approx(geometric_mean_ratio(whole, reference))


def test_a_wrong_answer_comes_before_any_other_defect() -> None:
    runs = [measurement("a", 1, outcome=o) for o in (Outcome.SOLVED, Outcome.TIMEOUT, Outcome.CRASH, Outcome.WRONG)]
    assert defect(runs) is runs[3]
    assert defect(runs[:1]) is None
