"""Each operator of the variation does what its name says."""

from __future__ import annotations

import pytest

from slotforge.core.errors import BuildError
from slotforge.core.ids import generator
from slotforge.core.registry import load, names
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import text
from slotforge.solvers.sat.vary import OPERATORS, WEIGHTS
from slotforge.solvers.sat.vary.conditions import MODE, STATES, draw
from slotforge.solvers.sat.vary.draw import Change
from slotforge.solvers.sat.vary.graft import named, needs, plant, take
from slotforge.solvers.sat.vary.layout import tidy
from slotforge.solvers.sat.vary.operators.split import split
from slotforge.solvers.sat.vary.policy import Policy, parse

SLOTS = slots()
VARIANTS = {name: [parse(source) for source in slot.variants.values()] for name, slot in SLOTS.items()}


def changes(operator: str, policy: Policy, donors: list[Policy], draws: int = 40) -> list[Change]:
    """Apply an operator with several draws."""
    drawn = (load(OPERATORS, operator).vary(policy, donors, generator(operator, n)) for n in range(draws))
    return [change for change in drawn if change is not None]


def builtin(slot: str, name: str) -> Policy:
    """Parse a built-in variant, with names for its arguments."""
    return named(parse(SLOTS[slot].variants[name]), VARIANTS[slot])


@pytest.mark.parametrize("operator", names(OPERATORS))
def test_an_operator_changes_policies_into_policies_and_says_how(operator: str) -> None:
    made = 0
    for slot, policies in VARIANTS.items():
        policy = named(policies[0], policies)
        for change in changes(operator, policy, policies[1:], draws=6):
            made += 1
            assert change.words
            assert parse(change.source).source != policy.source, slot
            assert tidy(change.source) == tidy(tidy(change.source))
    assert made >= 6


def test_every_weight_is_of_an_operator() -> None:
    assert WEIGHTS.keys() == names(OPERATORS).keys()


def test_numbers_stay_within_their_ranges_and_whole_numbers_stay_whole() -> None:
    policy = builtin("restart_due", "RestartDue")
    seen = set()
    for change in changes("numbers", policy, VARIANTS["restart_due"]):
        for param in parse(change.source).params:
            assert param.low <= param.value <= param.high
            assert not param.integral or param.value == int(param.value)
            seen.add((param.name, param.value))
    assert len(seen) > 20


def test_symbols_replace_a_field_by_one_that_measures_the_same() -> None:
    sources = [change.source for change in changes("symbols", builtin("restart_due", "RestartDue"), [], draws=200)]
    assert any("view.size.fast > margin" in source for source in sources)
    assert any("view.glue.fast > margin * view.glue.fast" in source for source in sources)
    assert any("since <= stable_unit" in source for source in sources)
    assert any("if (!view.stable())" in source for source in sources)
    assert any(">= interval ||" in source for source in sources)


def test_symbols_leave_the_bounds_of_loops_alone() -> None:
    for change in changes("symbols", builtin("score_clauses", "ScoreClauses"), [], draws=200):
        assert "for (std::size_t i = 0; i < worth.size(); ++i)" in change.source


def test_a_spliced_guard_brings_members_and_locals_under_free_names() -> None:
    host, donor = builtin("restart_due", "Luby"), parse(SLOTS["restart_due"].variants["RestartDue"])
    guard = next(node for node in donor.statements if node.type == "if_statement")
    graft = take(donor, needs(donor, [guard]), host)
    source = tidy(plant(host, graft, host.statements[0].start_byte))
    assert "since < stable_unit * static_cast<double>(luby(turn2_))" in source
    assert "const double since = " in source
    assert "std::uint64_t turn2_ = 1;" in source
    assert "std::uint64_t turn_ = 1;" in source
    assert "SLOT_PARAM(stable_unit, " in source
    assert "margin" not in source


def test_a_split_has_both_policies_with_their_own_state() -> None:
    host, donor = builtin("restart_due", "Luby"), parse(SLOTS["restart_due"].variants["Geometric"])
    source = tidy(split(host, donor, draw(MODE, host, generator(0))[0]))
    policy = parse(source)
    assert {"unit", "turn_", "first", "factor", "growth_"} <= policy.members.keys()
    assert text(policy.body).startswith("{\n        if (view.stable()) {")


def test_a_second_split_by_the_same_condition_replaces_its_part() -> None:
    host = builtin("restart_due", "Luby")
    condition = draw(MODE, host, generator(0))[0]
    once = split(host, parse(SLOTS["restart_due"].variants["Geometric"]), condition)
    twice = tidy(split(parse(once), parse(SLOTS["restart_due"].variants["Fixed"]), condition))
    assert twice.count("view.stable()") == 1
    assert "growth_" not in twice


@pytest.mark.parametrize("condition", STATES, ids=lambda condition: condition.words)
def test_every_condition_reads_the_view(condition: object) -> None:
    host = builtin("restart_due", "Luby")
    graft, words = draw(STATES[STATES.index(condition)], host, generator(1))
    assert "view." in graft.code
    assert "{" not in graft.code + words


def test_tidy_removes_what_nothing_uses() -> None:
    source = """struct P {
    SLOT_PARAM(used, 1, 0, 2); SLOT_PARAM(idle, 1, 0, 2);
    bool operator()(const View &view) {
        const double a = 1; const double b = count(); if (view.stable()) return used > b; return true; ++n_;
    }
  private:
    double count() { return ++m_; }
    double helper() { return n_; }
    double n_ = 0, m_ = 0, k_ = 0;
    double alone_ = 0;
};"""
    tidied = tidy(source)
    assert not any(gone in tidied for gone in ("idle", "helper", "alone_", "++n_", "a = 1"))
    assert all(kept in tidied for kept in ("used", "count()", "m_ = 0", "const double b"))


@pytest.mark.parametrize(
    "source",
    ["", "int f();", "struct A {};", "struct A { bool operator()( }", "struct A {}; struct B {};"],
)
def test_what_is_no_policy_is_refused(source: str) -> None:
    with pytest.raises(BuildError, match="not a policy"):
        parse(source)


def test_params_with_negative_and_small_numbers_are_read() -> None:
    (first, second) = parse(
        "struct P { SLOT_PARAM(low, -1.5, -2, 1e-3); SLOT_PARAM(n, 0, -3, 7);\n"
        "bool operator()(const View &view) { return view.stable() || low > n; } };"
    ).params
    assert (first.name, first.low, first.high, first.integral) == ("low", -2.0, 1e-3, False)
    assert (second.name, second.low, second.high, second.integral) == ("n", -3.0, 7.0, True)
