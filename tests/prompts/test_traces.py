"""Traces of executions: what a prompt shows of where the work went and how a slot decided."""

from __future__ import annotations

import pytest

from slotforge.core.types import Candidate, Measurement, Outcome, Terms, TrialState
from slotforge.prompts.context import Context, gather
from slotforge.prompts.render import render
from slotforge.prompts.traces import SHOWN, traces

from .conftest import LUBY

FOUND = Candidate(domain="sat", slots={"restart_due": LUBY})
KNOWN = ("restart", "restart_due", "decay")


def run(instance: int, cost: float, **stats: float) -> Measurement:
    return Measurement(
        candidate="c",
        instance=f"i{instance}",
        family="miter",
        seed=0,
        outcome=Outcome.SOLVED,
        cost=cost,
        cpu_s=1.0,
        stats=stats,
    )


@pytest.fixture
def context(slots, request_for, trial):
    """Gather what is told of a parent whose runs are given, beside those of the baseline."""

    def make(mine: list[Measurement], other: list[Measurement]) -> Context:
        return gather(
            request_for(operator="trace", parents=(FOUND,)),
            describe="A solver.",
            terms=Terms(),
            slots=slots,
            number=3,
            baseline=trial(0, Candidate(domain="sat"), ()).model_copy(update={"measurements": tuple(other)}),
            parents=(trial(2, FOUND, (), state=TrialState.SCORED).model_copy(update={"measurements": tuple(mine)}),),
        )

    return make


def asked(context: Context, request_for) -> str:
    return render(request_for(operator="trace", parents=(FOUND,)), context).messages[-1][1]


def test_a_prompt_shows_work_by_part_and_decisions_of_the_slot_beside_the_reference(context, request_for) -> None:
    mine = run(1, 3000.0, ticks_propagate=900, ticks_analyze=300, slot_restart_due_calls=40, slot_restart_due_mean=0.5)
    other = run(1, 1000.0, ticks_propagate=500, ticks_analyze=500, slot_restart_due_calls=20)
    told = asked(context([mine], [other]), request_for)
    assert "- `miter` of cost 1,000, 3.000 times that:" in told
    assert "  - ticks by part: propagate 75 % (50 %), analyze 25 % (50 %)." in told
    assert "  - decisions: restart_due calls 40 (20), restart_due mean 0.5 (not counted)." in told
    assert "Read the trace" in told


def test_the_curve_of_progress_is_shown_where_targets_are_counted(context, request_for) -> None:
    told = asked(context([run(1, 9.0, target_1=2, target_2=7)], [run(1, 5.0, target_1=3)]), request_for)
    assert "to each target on the way: 1: 2 (3), 2: 7 (never)." in told


def test_without_such_statistics_the_prompt_asks_for_the_same_without_a_trace(context, request_for) -> None:
    told = asked(context([run(1, 9.0, conflicts=2)], [run(1, 5.0, conflicts=3)]), request_for)
    assert "Trace of" not in told
    assert "Read the trace" not in told
    assert "State this\nchain" in told


def test_the_worst_instances_come_first_and_only_a_few() -> None:
    both = [(run(i, 100.0 * (1 + i), ticks_a=1), run(i, 100.0, ticks_a=1)) for i in range(6)]
    found = traces(both, ["decay"], KNOWN)
    assert [one.ratio for one in found] == [6.0, 5.0, 4.0]
    assert len(found) == SHOWN


def test_instances_on_which_nothing_was_counted_give_their_place_to_others() -> None:
    both = [(run(1, 900.0), run(1, 100.0)), (run(2, 200.0, ticks_a=1), run(2, 100.0))]
    assert [one.ratio for one in traces(both, ["decay"], KNOWN)] == [2.0]


def test_a_slot_is_told_from_another_whose_name_begins_alike() -> None:
    both = [(run(1, 2.0, slot_restart_due_calls=4, slot_restart_calls=9), run(1, 1.0))]
    assert traces(both, ["restart"], KNOWN)[0].decisions == {"restart calls": (9, None)}
    assert traces(both, ["restart_due"], KNOWN)[0].decisions == {"restart_due calls": (4, None)}


def test_a_part_of_the_work_that_only_one_side_has_is_shown() -> None:
    (one,) = traces([(run(1, 2.0, ticks_a=1, ticks_b=3), run(1, 1.0, ticks_a=2))], [], KNOWN)
    assert one.work == {"a": (0.25, 1.0), "b": (0.75, None)}


def test_nothing_of_a_trace_depends_on_seconds() -> None:
    runs = [run(1, 2.0, ticks_a=1, solve_cpu_s=s) for s in (1.0, 2.0)]
    assert traces([(runs[0], runs[0])], [], KNOWN) == traces([(runs[1], runs[1])], [], KNOWN)
