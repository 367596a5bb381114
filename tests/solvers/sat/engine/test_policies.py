"""Policies steer the search and cannot make it wrong, from whichever build they come."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from .conftest import (
    ENGINE,
    Solve,
    compile_cpp,
    pigeons,
    random_clauses,
    reference,
    runner,
    satisfies,
)

POISON = """
    SLOT_PARAM(kind, 0, 0, 4);
    double bad() {
        const double infinity = std::numeric_limits<double>::infinity();
        const double values[] = {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity, -1.0, 1e300};
        return values[static_cast<int>(kind + 0.5)];
    }
"""

ALWAYS = "bool operator()(const View &) { return true; }"
HOSTILE = {
    "bump_variables": "void operator()(const View &, double, std::span<const Bumped>, std::span<double> scores) "
    "{ for (double &score : scores) score = bad(); }",
    "decay": "double operator()(const View &) { return bad(); }",
    "bump_reason": "double operator()(const View &) { return bad(); }",
    "restart_due": ALWAYS,
    "restart_action": "std::uint32_t operator()(const View &, std::uint32_t) { return 4000000000u; }",
    "rephase_due": ALWAYS,
    "rephase_action": "PhaseMix operator()(const View &) "
    "{ return {bad(), bad(), bad(), bad(), bad(), bad(), kind < 1 ? 1.0 : bad()}; }",
    "reduce_due": ALWAYS,
    "score_clauses": "double operator()(const View &, std::span<const LearnedClause>, std::span<double> worth) "
    "{ for (double &one : worth) one = bad(); return bad(); }",
    "pick_phase": "bool operator()(const View &, const Phases &phases) { return phases.saved < 0; }",
    "switch_mode": ALWAYS,
    "inprocess_due": ALWAYS,
}

PLUGIN = """
#include "slots/{slot}.hpp"
#include <limits>
namespace candidate {{
using namespace slotforge;
using namespace slotforge::slots::{slot};
struct Hostile {{ {poison} {body} }};
}}
using Signature = slotforge::slots::{slot}::Signature;
extern "C" const slotforge::Plugin<Signature> slotforge_plugin;
const slotforge::Plugin<Signature> slotforge_plugin = {{
    {abi}, "{slot}", "Hostile", sizeof(candidate::Hostile), alignof(candidate::Hostile),
    &slotforge::Bind<candidate::Hostile, Signature>::construct, &slotforge::Bind<candidate::Hostile, Signature>::call}};
"""


def build_plugin(folder: Path, slot: str, body: str, abi: int = 1) -> Path:
    """Compile a policy as a shared object."""
    source = folder / f"{slot}{abi}.cpp"
    source.write_text(PLUGIN.format(slot=slot, body=body, poison=POISON, abi=abi))
    flags = ["-O0", "-fPIC", "-shared", "-fno-gnu-unique"]
    return compile_cpp(folder / f"{slot}{abi}.so", source, *flags)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A hostile policy for each slot."""
    folder = tmp_path_factory.mktemp("hostile")
    return {slot: build_plugin(folder, slot, body) for slot, body in HOSTILE.items()}


@pytest.fixture(scope="module")
def catalogue(engine: Path) -> dict[str, dict[str, dict[str, list[float]]]]:
    """The slots with their variants and parameters."""
    done = subprocess.run([str(engine), "--list-slots"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def check_answers(solve: Solve, seeds: range, *arguments: str) -> None:
    """Compare answers on small formulas with CaDiCaL's; a search that a policy keeps from its end may be unknown."""
    answered = 0
    for seed in seeds:
        clauses = random_clauses(seed, sizes=(12, 30, 60))
        document = solve(clauses, "--conflict-limit", "3000", *arguments).document
        answered += document["answer"] != "unknown"
        assert document["answer"] in ("unknown", reference(clauses)), f"seed {seed}"
        assert document["answer"] != "sat" or satisfies(document["model"], clauses)
    assert answered > 0


@pytest.mark.parametrize("slot", HOSTILE)
def test_a_slot_can_slow_the_search_but_never_falsify_it(sanitized: Path, hostile: dict[str, Path], slot: str) -> None:
    kinds = range(5) if "bad()" in HOSTILE[slot] else range(1)
    for kind in kinds:
        choice = [f"--slot={slot}={hostile[slot]}", f"--param={slot}.kind={kind}", "--slot=switch_mode=AlwaysStable"]
        check_answers(runner(sanitized), range(4 * kind, 4 * kind + 4), *choice[: 3 if slot != "switch_mode" else 2])


@pytest.mark.parametrize("kind", range(5))
def test_all_slots_together_cannot_falsify_it_either(sanitized: Path, hostile: dict[str, Path], kind: int) -> None:
    choices = [word for slot, path in hostile.items() for word in ("--slot", f"{slot}={path}")]
    kinds = [word for slot in hostile for word in ("--param", f"{slot}.kind={kind}")]
    check_answers(runner(sanitized), range(6), *choices, *kinds)


def test_every_built_in_variant_answers_rightly(
    solve: Solve, catalogue: dict[str, dict[str, dict[str, list[float]]]]
) -> None:
    for slot, variants in catalogue.items():
        for variant, parameters in variants.items():
            bounds = [f"--param={slot}.{name}={low}" for name, (_, low, _) in parameters.items()]
            check_answers(solve, range(3), f"--slot={slot}={variant}", *bounds)


def test_the_catalogue_names_twelve_slots_with_sound_ranges(
    catalogue: dict[str, dict[str, dict[str, list[float]]]],
) -> None:
    assert set(catalogue) == set(HOSTILE)
    for slot, variants in catalogue.items():
        assert len(variants) >= 3, slot
        for parameters in variants.values():
            assert all(low <= value <= high for value, low, high in parameters.values())


def test_a_parameter_is_clamped_to_its_range(solve: Solve) -> None:
    def ticks(value: str) -> int:
        return int(solve(pigeons(7), "--param", f"decay.factor={value}").document["ticks"])

    assert ticks("7") == ticks("0.999") != ticks("0.8")


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fused solver whose policies are defaults but for its restarts."""
    folder = tmp_path_factory.mktemp("fused")
    chosen = {slot: "".join(map(str.capitalize, slot.split("_"))) for slot in HOSTILE} | {"restart_due": "Luby"}
    lines = ["#pragma once", *(f'#include "slots/{slot}.hpp"' for slot in chosen), "namespace slotforge::candidate {"]
    for slot, name in chosen.items():
        policy = f"slots::{slot}::{name}"
        lines.append(f'struct {slot} {{ using Policy = {policy}; static constexpr const char *name = "{name}"; }};')
    (folder / "candidate_policies.hpp").write_text("\n".join([*lines, "}", ""]))
    includes = [f"-I{folder}", f"-I{ENGINE / 'fused'}"]
    return compile_cpp(folder / "solver", ENGINE / "fused" / "fused.cpp", *includes, "-O0")


def test_the_fused_build_takes_the_same_decisions(solve: Solve, fused: Path) -> None:
    for clauses in (pigeons(6), *(random_clauses(seed, sizes=(120, 160)) for seed in range(8))):
        ours = solve(clauses, "--slot", "restart_due=Luby", "--seed", "3").document
        theirs = runner(fused)(clauses, "--seed", "3").document
        assert {k: v for k, v in ours.items() if "cpu" not in k} == {k: v for k, v in theirs.items() if "cpu" not in k}


def test_the_fused_build_takes_parameters_but_no_other_policy(fused: Path) -> None:
    solve = runner(fused)
    first, second = (solve(pigeons(6), "--param", f"restart_due.unit={unit}").document for unit in (16, 512))
    assert first["restarts"] > second["restarts"]
    assert "fixed to Luby" in solve([[1]], "--slot", "restart_due=RestartDue", code=1).err
    assert solve([[1]], "--slot", "restart_due=Luby").document["answer"] == "sat"


def test_a_shared_object_that_is_no_policy_of_the_slot_is_refused(solve: Solve, hostile: dict[str, Path]) -> None:
    folder = hostile["decay"].parent
    empty = folder / "empty.cpp"
    empty.write_text("int nothing;\n")
    no_symbol = compile_cpp(folder / "empty.so", empty, "-fPIC", "-shared")
    other_abi = build_plugin(folder, "decay", HOSTILE["decay"], abi=99)
    text = folder / "text.so"
    text.write_text("not a shared object")
    for path, reason in {
        no_symbol: "no symbol slotforge_plugin",
        other_abi: "made for interface 99",
        hostile["bump_reason"]: "a policy of slot bump_reason, not of decay",
        text: "cannot be loaded",
    }.items():
        error = solve([[1]], "--slot", f"decay={path}", code=1).err
        assert reason in error
        assert len(error.splitlines()) == 1


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the count was taken where doubles are plain SSE2")
def test_ticks_do_not_depend_on_the_machine(solve: Solve, sanitized: Path) -> None:
    """Optimised and sanitized builds count the same."""
    assert solve(pigeons(6)).document["ticks"] == runner(sanitized)(pigeons(6)).document["ticks"]
