"""Variation without a model: whatever is drawn is a new policy that the checks and the compiler take."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slotforge.solvers.sat
from slotforge.core.errors import UsageError
from slotforge.core.ids import generator
from slotforge.core.types import Candidate, Request
from slotforge.solvers.sat.hygiene import check
from slotforge.solvers.sat.slot import slots
from slotforge.solvers.sat.source import duplicate_key
from slotforge.solvers.sat.vary import random_params, vary
from slotforge.solvers.sat.vary.policy import parse

SLOTS = slots()
SAT = Path(slotforge.solvers.sat.__file__).parent
requests = st.builds(
    lambda operator, slot: Request(operator=operator, parents=(Candidate(domain="sat"),), slots=(slot,)),
    st.sampled_from(("mutate", "fresh", "repair")),
    st.sampled_from(sorted(SLOTS)),
)


def of(slot: str, *sources: str, operator: str = "mutate") -> Request:
    """Ask for one slot anew, from parents with these sources."""
    parents = tuple(Candidate(domain="sat", slots={slot: source}) for source in sources)
    return Request(operator=operator, parents=parents, slots=(slot,))


@settings(deadline=None, max_examples=150)
@given(request=requests, seed=st.integers(0, 2**32))
def test_a_variation_is_an_allowed_policy_that_no_parent_is(request: Request, seed: int) -> None:
    (slot,) = request.slots
    source = vary(request, SLOTS, generator(seed))[slot]
    assert parse(source).result == parse(SLOTS[slot].default).result
    assert check(slot, source) is None
    assert duplicate_key(source) != duplicate_key(SLOTS[slot].default)


@settings(deadline=None, max_examples=40)
@given(request=requests, seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_variation(request: Request, seed: int) -> None:
    assert vary(request, SLOTS, generator(seed)) == vary(request, SLOTS, generator(seed))


@settings(deadline=None, max_examples=60)
@given(request=requests, seed=st.integers(0, 2**32))
def test_a_variation_is_laid_out_for_people(request: Request, seed: int) -> None:
    (slot,) = request.slots
    lines = vary(request, SLOTS, generator(seed))[slot].splitlines()
    assert lines[0].startswith("// ")
    assert all(len(line) <= 120 and line == line.rstrip() for line in lines)
    assert not any(first == second == "" for first, second in pairwise(lines))
    assert lines[-1] == "};"


@settings(deadline=None, max_examples=20)
@given(slot=st.sampled_from(sorted(SLOTS)), seed=st.integers(0, 2**32))
def test_generations_of_variations_stay_allowed_and_bounded(slot: str, seed: int) -> None:
    sources = [SLOTS[slot].default, SLOTS[slot].default]
    for number in range(8):
        operator = "crossover" if number % 3 == 2 else "mutate"
        source = vary(of(slot, *sources[:-3:-1], operator=operator), SLOTS, generator(seed, number))[slot]
        assert check(slot, source) is None
        assert len(source) <= 8000
        assert duplicate_key(source) not in map(duplicate_key, sources[:-3:-1])
        sources.append(source)


def test_nearly_all_variations_are_different_and_compile(tmp_path: Path) -> None:
    unit, varied = [], 0
    for slot in SLOTS:
        request = Request(operator="mutate", parents=(Candidate(domain="sat"),), slots=(slot,))
        sources = [vary(request, SLOTS, generator("compile", number))[slot] for number in range(24)]
        assert len(set(map(duplicate_key, sources))) >= 0.9 * len(sources), slot
        unit.append(f'#include "slots/{slot}.hpp"')
        for source in sources:
            varied += 1
            unit.append(
                f"namespace candidate{varied} {{ using namespace slotforge; using namespace slotforge::slots::{slot};\n"
                f'#line 1 "candidate{varied}"\n{source}\n'
                f"constexpr auto bound = plugin<{parse(source).name}, Signature>(nullptr, nullptr); }}"
            )
    path = tmp_path / "all.cpp"
    path.write_text("\n".join(unit))
    compiler = shutil.which("g++") or shutil.which("clang++")
    assert compiler, "install g++ or clang++: the tests compile what was varied"
    command = [
        compiler,
        "-std=c++20",
        "-fsyntax-only",
        "-fmax-errors=0",
        f"-I{SAT}/engine/include",
        f"-I{SAT}",
        str(path),
    ]
    errors = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    refused = {line.split(":")[0] for line in errors.splitlines() if ": error: " in line}
    assert all(name.startswith("candidate") for name in refused), errors
    assert len(refused) <= 0.05 * varied, errors


def test_a_request_for_all_slots_writes_all_of_them() -> None:
    request = Request(operator="fresh", parents=(), slots=tuple(SLOTS))
    assert vary(request, SLOTS, generator(7)).keys() == SLOTS.keys()


def test_an_unknown_slot_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no slot called 'restart'"):
        vary(Request(operator="mutate", parents=(), slots=("restart",)), SLOTS, generator(0))


def test_a_crossover_brings_code_of_both_parents_together() -> None:
    variants = SLOTS["restart_due"].variants
    request = of("restart_due", variants["Luby"], variants["Fixed"], operator="crossover")
    sources = [vary(request, SLOTS, generator("both", number))["restart_due"] for number in range(30)]
    both = [source for source in sources if "luby(turn_)" in source and ">= interval" in source]
    assert len(both) >= 6


def test_a_policy_of_a_model_in_its_own_style_is_varied() -> None:
    source = """struct Adaptive {
    SLOT_PARAM(base, 50, 10, 500);
    enum class State : std::uint8_t { calm, wild };
    struct Window { double sum = 0; std::uint64_t held = 0; };
    static constexpr std::size_t length = 8;

    bool operator()(const View& v) {
        const auto since = v.conflicts - v.at.restart;
        push(static_cast<double>(v.last.glue));
        auto worst = [](double a, double b) { return a > b ? a : b; };
        switch (state_) {
        case State::calm: if (window_.sum > worst(v.glue.slow, 2.0)) state_ = State::wild; break;
        case State::wild: state_ = State::calm; return since > base;
        }
        return false;
    }
private:
    void push(double glue) { window_.sum += glue; if (++window_.held > length) window_ = {}; }
    Window window_; State state_ = State::calm;
};
"""
    for number in range(30):
        varied = vary(of("restart_due", source), SLOTS, generator("style", number))["restart_due"]
        assert duplicate_key(varied) != duplicate_key(source)
        assert check("restart_due", varied) is None


def test_a_parent_that_cannot_be_read_is_replaced_by_a_built_in_variant() -> None:
    source = vary(of("decay", "struct Broken {"), SLOTS, generator(3))["decay"]
    assert check("decay", source) is None


@given(slot=st.sampled_from(sorted(SLOTS)), seed=st.integers(0, 2**32))
def test_random_params_are_drawn_for_every_number_within_its_range(slot: str, seed: int) -> None:
    for source in SLOTS[slot].variants.values():
        drawn = random_params(source, generator(seed))
        params = parse(source).params
        assert list(drawn) == [param.name for param in params]
        assert all(param.low <= drawn[param.name] <= param.high for param in params)
