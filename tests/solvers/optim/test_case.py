"""Cases: how they are named, and that what is frozen of them hangs together."""

from __future__ import annotations

import pytest
from hypothesis import given
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
    known = sorted(case.family(name).knobs)
    chosen = {knob: data.draw(st.integers(0, 99_999)) for knob in known}
    family, knobs = case.parse(":".join([name, *case.key(chosen).split(",")]) if chosen else name)
    assert knobs == chosen
    assert case.key({**family.knobs, **knobs}) == case.key(chosen)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("least_square", "least_squares"),
        ("least_squares:kapa=3", "it has"),
        ("least_squares:kappa", "no setting"),
        ("least_squares:kappa=big", "no number"),
        ("least_squares:kappa=nan", "no number"),
        ("least_squares:kappa=1e999", "no number"),
    ],
)
def test_what_is_no_case_is_refused_with_what_there_is(spec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        case.parse(spec)


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
        assert builtin.named(contender)
    if known.calls is None:
        assert max(known.reached.values()) == 0
        return
    best = known.specialists[0]
    assert known.reached[best] == max(known.reached.values())
    assert known.calls == known.medians[best]
    assert known.calls <= known.budget <= case.PATIENCE * known.calls
