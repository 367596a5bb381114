"""Cases: how they are named, and that what is frozen of them hangs together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slotforge.core import registry
from slotforge.core.errors import UsageError
from slotforge.solvers.optim import builtin, case

FAMILIES = sorted(registry.names(case.PROBLEMS))
FROZEN = [(name, key, known) for name, cases in case._table().items() for key, known in cases.items()]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_named_alone_sets_no_knob(name: str) -> None:
    family, knobs = case.parse(name)
    assert (family.name, knobs) == (name, {})


@given(st.sampled_from(FAMILIES), st.data())
def test_settings_are_read_as_they_are_written(name: str, data: st.DataObject) -> None:
    knob, ranges = data.draw(st.sampled_from(sorted(case.family(name).ranges.items())))
    inside = st.integers(math.ceil(ranges.low), math.floor(min(ranges.high, 99_999)))
    chosen = {knob: data.draw(inside)}
    assume(not case.family(name).misfit(chosen))
    family, knobs = case.parse(f"{name}:{case.key(chosen)}")
    assert knobs == chosen
    assert case.key({**family.knobs, **knobs}) == case.key({**family.knobs, **chosen})


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("least_square", "least_squares"),
        ("least_squares:kapa=3", "it has"),
        ("least_squares:kappa", "no setting"),
        ("least_squares:kappa=big", "no number"),
        ("least_squares:kappa=nan", "no number"),
        ("least_squares:kappa=1e999", "no number"),
        ("least_squares:kappa=-5", "kappa=-5 must be at least 1$"),
        ("least_squares:kappa=0", "kappa=0 must be at least 1$"),
        ("least_squares:d=0", "d=0 must be at least 1 and at most 100000"),
        ("least_squares:d=2.5", "d=2.5 must be a whole number"),
        ("matrix_sensing:rank=50:n=20", "rank=50 must not be greater than n=20"),
        ("policy:gamma=1", "gamma=1 must be at least 0 and at most 0.9999"),
        ("transformer:d=10:heads=4", "d=10 must be a multiple of heads=4"),
        ("stochastic_logistic:planted=3", "planted=3 must be 0 or at least 5"),
    ],
)
def test_what_is_no_case_is_refused_with_what_there_is(spec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        case.parse(spec)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_what_each_of_its_knobs_may_be(name: str) -> None:
    family = case.family(name)
    assert set(family.ranges) == set(family.knobs)
    assert {knob for pair in family.within for knob in pair} <= set(family.knobs)
    for setting in ({}, *(one for settings in family.splits.values() for one in settings)):
        assert family.misfit({**family.knobs, **setting}) == ""


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "bbob"])
def test_there_is_a_problem_at_the_lower_end_of_the_knobs(name: str) -> None:
    family = case.family(name)
    least = {knob: ranges.low for knob, ranges in family.ranges.items()}
    assert family.misfit(least) == ""
    data = family.draw(least, np.random.default_rng(1))
    assert np.isfinite(family.metric(data, family.start(data, np.random.default_rng(2))))


def test_a_case_that_nobody_froze_has_what_its_family_says() -> None:
    family, _ = case.parse("least_squares")
    known = case.frozen(family, {"kappa": 123.0})
    assert (known.specialists, known.budget, known.calls) == (family.specialists, family.budget, None)


@pytest.mark.parametrize(("name", "key", "known"), FROZEN, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_frozen_of_a_case_hangs_together(name: str, key: str, known: case.Frozen) -> None:
    family, knobs = case.parse(":".join([name, *key.split(",")]) if key else name)
    assert case.frozen(family, knobs) == known
    assert known.goal > 0
    assert max(known.reached.values()) <= known.problems
    for contender in known.specialists:
        assert builtin.contender(contender)
    if known.calls is None:
        assert 2 * max(known.reached.values()) <= known.problems  # so that nobody has a median
        return
    best = known.specialists[0]
    assert known.reached[best] == max(known.reached.values())
    assert known.calls == known.medians[best]
    assert known.calls <= known.budget <= math.ceil(case.PATIENCE * known.calls)
