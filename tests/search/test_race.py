"""A candidate's cost is believed only as far as the CPU time that it took bears it out."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from slotforge.core.seams import Executor
from slotforge.core.types import Candidate, Instance, Measurement, Outcome, Trial, TrialState
from slotforge.search import worker
from slotforge.search.race import Race, Result

INSTANCES = [Instance(id=f"i{n}", name=f"i{n}", family="f", path=f"i{n}") for n in range(8)]


def run(instance: str, cost: float, cpu_s: float, outcome: Outcome = Outcome.SOLVED) -> Measurement:
    return Measurement(candidate="c", instance=instance, family="f", seed=0, outcome=outcome, cost=cost, cpu_s=cpu_s)


class Made(Executor):
    """An executor that knows all measurements beforehand."""

    def __init__(self, runs: dict[str, Measurement]) -> None:
        self.runs = runs

    async def submit(self, _: object, tasks: tuple[worker.Task, ...]) -> worker.Block:
        return worker.Block(measurements=tuple(self.runs[task.instance.id] for task in tasks))


def incumbent(measurements: tuple[Measurement, ...]) -> Trial:
    scored = {"state": TrialState.SCORED, "measurements": measurements}
    return Trial(run="r", number=-7, operator="o", slots=(), parents=(), **scored)


def race(cost: float, cpu_s: float, *, against_cpu_s: float = 1.0, outcome: Outcome = Outcome.SOLVED) -> Result:
    """Race a candidate with the same cost and CPU time on every instance against a baseline of cost 1000."""
    reference = {i.id: run(i.id, 1000, against_cpu_s) for i in INSTANCES}
    made = Made({i.id: run(i.id, cost, cpu_s, outcome) for i in INSTANCES})
    course = Race(executor=made, instances=INSTANCES, seed=0, reference=reference)
    return asyncio.run(course.run(Candidate(domain="sat"), incumbent(tuple(reference.values()))))


def test_a_cost_that_the_cpu_time_belies_fails_after_the_first_block() -> None:
    result = race(100, 1.0)
    assert result.state is TrialState.FAILED
    assert result.reason.startswith("needs 10.0 times the CPU time per unit of cost that the unchanged solver needs")
    assert len(result.measurements) == 4


@pytest.mark.parametrize(("cost", "cpu_s"), [(500, 0.5), (500, 2.4), (1000, 4.9)])
def test_a_candidate_that_is_only_slower_per_unit_of_cost_is_judged_by_its_cost(cost: float, cpu_s: float) -> None:
    assert race(cost, cpu_s).state is TrialState.SCORED


def test_runs_too_short_to_say_anything_of_cpu_time_are_not_held_against_a_candidate() -> None:
    assert race(10, 0.019, against_cpu_s=0.019).state is TrialState.SCORED
    assert race(1000, 0.5, against_cpu_s=0.01).state is TrialState.SCORED


def test_runs_that_ended_at_a_limit_are_not_either() -> None:
    assert race(100, 1.0, outcome=Outcome.LIMIT).state is not TrialState.FAILED


def test_one_course_takes_each_incumbent_and_each_reference_for_what_it_is() -> None:
    """A candidate of cost 500 is no worse than what costs 1000, and clearly worse than what costs 100."""

    def told(course: Race, cost: float) -> TrialState:
        rival = incumbent(tuple(run(i.id, cost, 1.0) for i in INSTANCES))
        return asyncio.run(course.run(Candidate(domain="sat"), rival)).state

    reference = {i.id: run(i.id, 1000, 1.0) for i in INSTANCES}
    made = Made({i.id: run(i.id, 500, 0.5) for i in INSTANCES})
    course = Race(executor=made, instances=INSTANCES, seed=0, reference=reference, cap=100)
    known = {cost: told(course, cost) for cost in (1000, 100)}
    assert known == {1000: TrialState.SCORED, 100: TrialState.RACED_OUT}
    assert told(course, 1000) is TrialState.SCORED
    far = {i.id: run(i.id, 1e6, 1000.0) for i in INSTANCES}  # from which both are as far as counts
    away = replace(course, reference=far)
    assert told(away, 100) is TrialState.SCORED
    assert told(away, 1000) is told(replace(away, reference=reference), 1000) is TrialState.SCORED


def test_a_race_says_whose_measurements_it_was_against_unless_nothing_was_measured() -> None:
    assert race(500, 0.5).against == -7

    class Broken(Executor):
        async def submit(self, *_: object) -> worker.Block:
            return worker.Block(failure="no compiler")

    course = Race(
        executor=Broken(), instances=INSTANCES, seed=0, reference={i.id: run(i.id, 1000, 1.0) for i in INSTANCES}
    )
    assert asyncio.run(course.run(Candidate(domain="sat"), incumbent(tuple(course.reference.values())))).against is None


def test_a_build_that_fails_after_the_first_block_takes_nothing_back() -> None:
    reference = {i.id: run(i.id, 1000, 1.0) for i in INSTANCES}

    class Late(Made):
        async def submit(self, function: object, tasks: tuple[worker.Task, ...]) -> worker.Block:
            block = await super().submit(function, tasks)
            if tasks[0].instance == INSTANCES[0]:
                return block
            failed = {"measurements": block.measurements[:1], "failure": "it does not run here", "log": {"s": "said"}}
            return block.model_copy(update=failed)

    course = Race(executor=Late(reference), instances=INSTANCES, seed=0, reference=reference)
    result = asyncio.run(course.run(Candidate(domain="sat"), incumbent(tuple(reference.values()))))
    assert (result.state, result.reason, result.log) == (TrialState.FAILED, "it does not run here", {"s": "said"})
    assert (result.ran, result.against, len(result.measurements)) == (True, -7, 5)
