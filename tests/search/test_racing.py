"""The racing test keeps its error rate however often one looks, and still saves most of the cost."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
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
from slotforge.search.racing import Course, WorseTest, defect, geometric_mean_ratio

BOUND = math.log(CAP)


def looks_until_dropped(
    logs: Sequence[float],
    *,
    incumbent: Sequence[float] | None = None,
    families: Sequence[str] | None = None,
    alpha: float = 0.05,
) -> int | None:
    """Count the instances after which a candidate leaves, if any are left then."""
    course = Course.laid(incumbent or [0.0] * len(logs), families or ["f"] * len(logs))
    test = WorseTest(course, alpha=alpha)
    for count, log in enumerate(logs[:-1], 1):
        test.add(float(log))
        if test.worse:
            return count
    return None


def dropped(logs: np.ndarray, families: Sequence[str], rng: np.random.Generator, orders: int = 2000) -> float:
    """Return in how many random orders of these instances the candidate leaves."""
    shuffled = [rng.permutation(len(logs)) for _ in range(orders)]
    lost = [looks_until_dropped([logs[i] for i in o], families=[families[i] for i in o]) for o in shuffled]
    return sum(count is not None for count in lost) / orders


@pytest.mark.parametrize("spread", [0.05, 0.5, 2.0])
def test_a_candidate_that_is_no_worse_in_full_is_dropped_at_most_as_often_as_stated(spread: float) -> None:
    rng = np.random.default_rng(1)
    logs = np.clip(rng.normal(0, spread, (4000, 60)), -BOUND, BOUND)
    sound = logs[logs.sum(axis=1) <= 0]
    lost = sum(looks_until_dropped(row.tolist()) is not None for row in sound)
    assert lost / len(sound) <= 0.05


@pytest.mark.parametrize("instances", [12, 60, 200])
@pytest.mark.parametrize("loss", [1.2, 6.0])
def test_rare_large_gains_do_not_break_the_error_rate(instances: int, loss: float) -> None:
    """Mostly worse, and just often enough as much better as the score counts: the hard case for a test on means."""
    gains = math.ceil(instances * math.log(loss) / (BOUND + math.log(loss)))
    logs = np.where(np.arange(instances) < gains, -BOUND, math.log(loss))
    assert dropped(logs, ["f"] * instances, np.random.default_rng(2)) <= 0.05 + 0.01


@pytest.mark.parametrize(("few", "many"), [(3, 30), (2, 38)])
def test_a_small_family_weighs_in_the_race_as_it_does_in_the_score(few: int, many: int) -> None:
    families = ["small"] * few + ["large"] * many
    logs = np.array([-math.log(2.5)] * few + [math.log(2.4)] * many)
    assert dropped(logs, families, np.random.default_rng(3), orders=500) <= 0.05 + 0.02


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_of_all_orders_of_few_instances_no_more_than_stated_drop_what_is_no_worse(data: st.DataObject) -> None:
    alpha = data.draw(st.sampled_from([0.1, 0.3, 0.6]))
    count = data.draw(st.integers(2, 6))
    log = st.floats(-BOUND, BOUND)
    families = data.draw(st.lists(st.sampled_from("ab"), min_size=count, max_size=count))
    incumbent = data.draw(st.lists(log, min_size=count, max_size=count))
    candidate = data.draw(st.lists(log, min_size=count, max_size=count))
    sizes = Counter(families)
    excess = sum((c - i) / sizes[f] for c, i, f in zip(candidate, incumbent, families, strict=True))
    assume(excess <= 0)
    orders = list(permutations(zip(candidate, incumbent, families, strict=True)))
    lost = 0
    for order in orders:
        logs, rivals, names = zip(*order, strict=True)
        lost += looks_until_dropped(logs, incumbent=rivals, families=names, alpha=alpha) is not None
    assert lost / len(orders) <= alpha


def test_what_cannot_make_up_for_its_losses_leaves_at_once() -> None:
    """What the rest can bring at most makes up for what is lost after the second instance, but not after the third."""
    assert looks_until_dropped([BOUND, BOUND, 0.1, -BOUND], alpha=1e-9) == 3
    assert looks_until_dropped([BOUND, 0.0, 0.0, -BOUND], alpha=1e-9) is None


def test_where_the_incumbent_is_as_good_as_can_be_an_equal_candidate_stays() -> None:
    assert looks_until_dropped([-BOUND] * 8, incumbent=[-BOUND] * 8) is None
    assert looks_until_dropped([-BOUND, 0.0, *[-BOUND] * 6], incumbent=[-BOUND] * 8) == 2


@pytest.mark.parametrize(("ratio", "most_looks"), [(3.0, 8), (1.5, 19)])
def test_a_clearly_worse_candidate_leaves_early(ratio: float, most_looks: int) -> None:
    rng = np.random.default_rng(3)
    looks = [looks_until_dropped(rng.normal(math.log(ratio), 0.2, 60).tolist()) for _ in range(200)]
    assert all(looks)
    assert np.median([count for count in looks if count]) <= most_looks


@given(st.lists(st.tuples(st.floats(-BOUND, BOUND), st.floats(0, 1)), min_size=1, max_size=100))
def test_a_candidate_that_never_costs_more_is_never_dropped(drawn: list[tuple[float, float]]) -> None:
    incumbent = [log for log, _ in drawn]
    candidate = [max(-BOUND, log - less) for log, less in drawn]
    assert looks_until_dropped(candidate, incumbent=incumbent) is None


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


class KnownCosts:
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
        executor=KnownCosts(costs),  # type: ignore[arg-type]
        instances=[Instance(id=m.instance, name="", family="f", path="") for m in baseline],
        seed=0,
        reference={m.instance: m for m in baseline},
    )
    fields = {"operator": "o", "slots": (), "parents": (), "state": TrialState.SCORED, "measurements": tuple(against)}
    return asyncio.run(course.run(Candidate(domain=""), Trial(run="r", number=0, **fields), in_full=True))


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(20_000, 10_000_000)] * 3), min_size=1, max_size=6))
def test_a_cut_run_never_counts_less_than_the_baseline_or_the_incumbent(costs: list[tuple[int, int, int]]) -> None:
    baseline, incumbent, candidate = (list(column) for column in zip(*costs, strict=True))
    reference = [KnownCosts(baseline).run(place) for place in range(len(costs))]
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
    baseline, candidate = (KnownCosts(list(column)) for column in zip(*costs, strict=True))
    reference = {str(place): baseline.run(place) for place in range(len(costs))}
    cut = [candidate.run(place, math.ceil(reference[str(place)].cost * CAP)) for place in range(len(costs))]
    whole = [candidate.run(place) for place in range(len(costs))]
    assert geometric_mean_ratio(cut, reference) == pytest.approx(geometric_mean_ratio(whole, reference))


def test_a_wrong_answer_comes_before_any_other_defect() -> None:
    runs = [measurement("a", 1, outcome=o) for o in (Outcome.SOLVED, Outcome.TIMEOUT, Outcome.CRASH, Outcome.WRONG)]
    assert defect(runs) is runs[3]
    assert defect(runs[:1]) is None
