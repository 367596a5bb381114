"""Reading and rewriting a policy's source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotforge.core.errors import BuildError
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import abstracted, duplicate_key, normalised, params, struct_name, with_params

SOURCE = """\
// Restarts by a margin.
struct Margin {
    SLOT_PARAM(margin, 1.10, 1.00, 1.30); // of the averages
    SLOT_PARAM(gap, 2, -1, 64);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.restart);
        return since >= gap && view.glue.fast > margin * view.glue.slow;
    }
};
"""

SHIPPED = [source for slot in slots().values() for source in slot.variants.values()]


def test_the_parameters_are_read_with_value_and_range() -> None:
    margin, gap = params(SOURCE)
    assert (margin.name, margin.value, margin.low, margin.high) == ("margin", 1.1, 1.0, 1.3)
    assert (gap.name, gap.value, gap.low, gap.high) == ("gap", 2.0, -1.0, 64.0)
    assert SOURCE[slice(*margin.span)] == "1.10"
    assert struct_name(SOURCE) == "Margin"


@given(st.floats(1.0, 1.3), st.floats(-1, 64))
def test_written_numbers_read_back_as_the_same_doubles(margin: float, gap: float) -> None:
    written = with_params(SOURCE, {"margin": margin, "gap": gap})
    assert [param.value for param in params(written)] == [margin, gap]
    assert normalised(written) == normalised(SOURCE)
    assert with_params(written, {"margin": 1.1, "gap": 2}) == SOURCE.replace("1.10", "1.1")


def test_numbers_out_of_range_are_clamped_and_unknown_names_are_errors() -> None:
    assert params(with_params(SOURCE, {"margin": 9.0}))[0].value == 1.3
    with pytest.raises(BuildError, match=r"no parameter 'speed'; it has margin, gap"):
        with_params(SOURCE, {"speed": 1.0})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("SLOT_PARAM(m, 3, 0, 2);", "line 1: SLOT_PARAM m: the default 3 is not within \\[0, 2\\]"),
        ("SLOT_PARAM(m, 1, 0);", "line 1: SLOT_PARAM takes a name and three numbers"),
        ("SLOT_PARAM(m, x, 0, 2);", "line 1: SLOT_PARAM takes a name and three numbers"),
        ("SLOT_PARAM(m, inf, 0, inf);", "line 1: SLOT_PARAM"),
    ],
)
def test_a_wrong_parameter_is_named(written: str, said: str) -> None:
    with pytest.raises(BuildError, match=said):
        params(f"struct A {{ {written} }};")


def test_the_abstracted_source_keeps_its_lines() -> None:
    assert abstracted(SOURCE).splitlines()[2] == "    SLOT_PARAM(margin, 1, 1.00, 1.30); // of the averages"
    assert len(abstracted(SOURCE).splitlines()) == len(SOURCE.splitlines())


def test_comments_layout_and_names_do_not_make_another_policy() -> None:
    other = (
        SOURCE.replace("Margin", "Other").replace("// of the averages", "").replace("since", "waited")
        .replace("margin", "m").replace("    ", " ").replace("1.10", "1.1")
    )  # fmt: skip
    assert duplicate_key(other) == duplicate_key(SOURCE)
    assert normalised(SOURCE.replace("Margin {", "Other  {")) == normalised(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"), [("1.10", "1.11"), (">=", ">"), ("&&", "||"), ("at.restart", "at.reduction"), ("64", "63")]
)
def test_any_change_of_meaning_makes_another_policy(old: str, new: str) -> None:
    assert duplicate_key(SOURCE.replace(old, new)) != duplicate_key(SOURCE)


def test_fields_keep_their_names_in_the_key() -> None:
    """Swapped members of a state are another policy, though all names are the policy's own."""
    one = "struct A { struct S { double a = 1; double b = 2; }; S s; double operator()(const View &) { return s.a; } };"
    two = one.replace("double a = 1; double b = 2;", "double b = 1; double a = 2;")
    assert duplicate_key(one) != duplicate_key(two)


def test_shipped_policies_are_all_different() -> None:
    for slot in slots().values():
        keys = [duplicate_key(source) for source in slot.variants.values()]
        assert len(set(keys)) == len(keys), slot.name


@pytest.mark.parametrize("source", ["", "int x;", "struct A {}; struct B {};", "struct { int x; };"])
def test_what_is_not_one_struct_is_an_error(source: str) -> None:
    with pytest.raises(BuildError, match="exactly one struct"):
        struct_name(source)
