"""A policy that the check let through by mistake writes to a copy of the View: the search does not notice."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from slotforge.solvers.sat.build import Builder, engine
from slotforge.solvers.sat.cnf import write
from slotforge.solvers.sat.families import generate
from slotforge.solvers.sat.hygiene import check

WRITES = (
    "D(view).level = 0;",
    "D(view).ticks = 1;",
    "D(view).conflicts = 1u << 30; D(view).last.level = 0; D(view).variables = 0;",
)
"""What a cast to a reference that is not const makes possible."""

CALLED = {
    "restart_due": "bool operator()(const View &view) {{ {} return conflicts_++ % 50 == 0; }} int conflicts_ = 0;",
    "decay": "double operator()(const View &view) {{ {} return 0.9; }}",
    "pick_phase": "bool operator()(const View &view, const Phases &phases) {{ {} return phases.saved > 0; }}",
}
"""Policies of slots that are called per conflict, per conflict in stable mode, and per decision."""

FORMULAS = {"sat": "ksat:variables=200:ratio=4.1", "unsat": "ksat:variables=150:ratio=4.6"}


@pytest.fixture(scope="module")
def builder(builds: Path) -> Builder:
    return Builder(builds)


@pytest.fixture(scope="module", params=["sat", "unsat"])
def formula(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An answer, and a formula of some hundred conflicts that has it."""
    path = tmp_path_factory.mktemp("formulas") / "formula.cnf"
    write(generate(FORMULAS[request.param], 1, 0), path)
    return request.param, path


def facts(program: Path, arguments: list[str], formula: Path) -> dict[str, object]:
    done = subprocess.run([program, formula, "--json", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode in (10, 20), done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return {key: found[key] for key in ("answer", "conflicts", "decisions", "propagations", "ticks", "restarts")}


@pytest.mark.parametrize("slot", CALLED)
def test_a_policy_that_writes_to_its_view_changes_neither_the_answer_nor_the_count_of_the_cost(
    slot: str, builder: Builder, formula: tuple[str, Path]
) -> None:
    answer, path = formula
    always = ["--slot", "switch_mode=AlwaysStable"]
    honest = f"struct Mine {{ {CALLED[slot].format('')} }};"
    expected = facts(engine(), always + builder.engine_arguments({slot: honest}), path)
    assert expected["answer"] == answer
    assert int(str(expected["conflicts"])) > 50
    for write_ in WRITES:
        hostile = f"struct Mine {{ using D = View &; {CALLED[slot].format(write_)} }};"
        assert check(slot, hostile) is not None
        found = facts(engine(), always + builder.engine_arguments({slot: hostile}), path)
        assert found["answer"] == answer
        assert is_counted(found)


def is_counted(found: dict[str, object]) -> bool:
    """Whether each propagation counts: policies asked together share a copy, so that the search itself may differ."""
    return int(str(found["ticks"])) > int(str(found["propagations"])) > int(str(found["conflicts"])) > 50


def test_neither_does_one_that_is_built_into_a_solver(builder: Builder, formula: tuple[str, Path]) -> None:
    answer, path = formula
    sources = {slot: f"struct Mine {{ using D = View &; {text.format(' '.join(WRITES))} }};"
               for slot, text in CALLED.items()}  # fmt: skip
    honest = {slot: f"struct Mine {{ {text.format('')} }};" for slot, text in CALLED.items()}
    found = facts(builder.fused(sources), [], path)
    assert found["answer"] == answer
    assert facts(engine(), builder.engine_arguments(honest), path)["answer"] == answer
    assert is_counted(found)
