"""What reading a rule promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.errors import BuildError
from slotforge.solvers.optim.rule import Number, load, numbers


def test_numbers_are_read_without_running_anything():
    found = numbers('HP = {"lr": (0.1, 1e-3, 1, "log")}\nraise SystemExit')
    assert found == {"lr": Number(default=0.1, low=1e-3, high=1, scale="log")}
    assert numbers("x = 1") == {}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("{'lr': (1, 2)}", "not enough values"),
        ("{'lr': (1.0, 0.0, 2.0, 'log')}", "low must be above 0"),
        ("{'lr': (3.0, 1.0, 2.0, 'log')}", "a default between"),
        ("{'lr': (1.0, 1.0, 1.0, 'log')}", "low < high"),
        ("{'lr': (1.0, 0.1, 1e999, 'linear')}", "finite bounds"),
        ("{'a b': (1.0, 0.1, 2.0, 'linear')}", "plain name"),
        ("{'lr': (1.0, 0.1, 2.0, 'cubic')}", "must be"),
        ("{'lr': open('x')}", "must be"),
        ("[1]", "must be"),
    ],
)
def test_a_bad_declaration_is_refused_with_its_line(declared, said):
    with pytest.raises(BuildError, match="line 2: HP.*" + said):
        numbers(f"\nHP = {declared}")


@given(st.floats(0, 1), st.floats(1e-6, 1.0), st.floats(1.5, 1e6), st.sampled_from(["log", "linear"]))
def test_places_of_the_unit_interval_lie_in_the_range(unit, low, high, scale):
    number = Number(default=low, low=low, high=high, scale=scale)
    assert low * (1 - 1e-9) <= number.at(unit) <= high * (1 + 1e-9)
    assert number.at(0) == pytest.approx(low)
    assert number.at(1) == pytest.approx(high)


def test_a_rule_without_its_functions_or_with_a_syntax_error_is_refused():
    with pytest.raises(BuildError, match="no function update"):
        load("def init(xp, p):\n    return {}")
    with pytest.raises(BuildError, match="line 2: "):
        load("x = 1\ny = = 2")


def test_a_rule_has_no_builtins_but_len_and_range():
    rule = load("def init(xp, p):\n    return open(p)\n\n\ndef update(*_):\n    return len(range(3))")
    assert rule.update() == 3
    with pytest.raises(NameError, match="open"):
        rule.init(None, "x")
    with pytest.raises(BuildError, match="a rule imports nothing: os"):
        load("import os")
