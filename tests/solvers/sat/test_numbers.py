"""The numbers of policies are read from their sources and written into them, and nothing else changes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate
from slotforge.solvers.sat.domain import Sat
from slotforge.solvers.sat.slot import slots

SAT = Sat()
BASELINE = Candidate(domain="sat")
POLICIES = [(slot, name) for slot, known in slots().items() for name in known.variants]


def of(slot: str, policy: str) -> Candidate:
    return BASELINE.with_slots({slot: slots()[slot].variants[policy]})


@pytest.mark.parametrize(("slot", "policy"), POLICIES)
def test_writing_the_numbers_of_a_built_in_policy_back_gives_the_same_candidate(slot: str, policy: str) -> None:
    candidate = of(slot, policy)
    values = {name: number.value for name, number in SAT.numbers(candidate).items()}
    assert SAT.with_numbers(candidate, values) == candidate


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(POLICIES), st.data())
def test_numbers_that_are_written_are_read_again_and_only_they_differ(
    chosen: tuple[str, str], data: st.DataObject
) -> None:
    candidate = of(*chosen)
    known = SAT.numbers(candidate)
    name = data.draw(st.sampled_from(sorted(known)))
    value = data.draw(st.floats(known[name].low, known[name].high))
    made = SAT.with_numbers(candidate, {name: value})
    found = SAT.numbers(made)
    assert found[name].value == value
    assert {n: v for n, v in found.items() if n != name} == {n: v for n, v in known.items() if n != name}
    assert SAT.check(made) is None
    assert SAT.key(SAT.with_numbers(made, {name: known[name].value})) == SAT.key(candidate)


@given(st.sampled_from(POLICIES), st.floats(allow_nan=False), st.data())
@settings(max_examples=40, deadline=None)
def test_numbers_stay_within_their_bounds(chosen: tuple[str, str], value: float, data: st.DataObject) -> None:
    candidate = of(*chosen)
    name = data.draw(st.sampled_from(sorted(SAT.numbers(candidate))))
    number = SAT.numbers(SAT.with_numbers(candidate, {name: value}))[name]
    assert number.low <= number.value <= number.high


def test_the_solver_as_it_ships_has_the_numbers_of_its_defaults() -> None:
    numbers = SAT.numbers(BASELINE)
    assert {name.partition(".")[0] for name in numbers} <= set(slots())
    assert numbers["restart_due.margin"].log is False
    assert numbers["reduce_due.interval"].log is True
    tuned = SAT.with_numbers(BASELINE, {"restart_due.margin": 1.2})
    assert set(tuned.slots) == {"restart_due"}
    assert SAT.with_numbers(BASELINE, {"restart_due.margin": numbers["restart_due.margin"].value}) == BASELINE


def test_a_number_that_there_is_not_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"no number 'restart_due\.nonsense'.*restart_due\.margin"):
        SAT.with_numbers(BASELINE, {"restart_due.nonsense": 1.0})
