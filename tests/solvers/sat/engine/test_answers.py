"""Answers of the engine: against CaDiCaL, against the formula, and against two proof checkers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from slotforge.solvers.sat.verify import check_proof

from .conftest import Clauses, Solve, dimacs, pigeons, random_clauses, reference, runner, satisfies

PROOF_FLAGS: list[list[str]] = [[], ["--binary-proof"]]


def confirmed(solve: Solve, clauses: Clauses, folder: Path, *arguments: str, text: bool = True) -> str:
    """Solve, and check the model or the proof; returns the answer."""
    formula, proof = folder / "formula.cnf", folder / "proof.drat"
    formula.write_text(dimacs(clauses))
    form = [] if text else ["--binary-proof"]
    document = solve(clauses, "--proof", str(proof), *form, *arguments).document
    if document["answer"] == "sat":
        assert satisfies(document["model"], clauses)
    else:
        verdict = check_proof(formula, proof)
        assert verdict.verified, verdict.reason
    return str(document["answer"])


@pytest.mark.parametrize("block", range(10))
def test_answers_are_those_of_cadical_and_confirmed(solve: Solve, tmp_path: Path, block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        clauses = random_clauses(seed)
        assert confirmed(solve, clauses, tmp_path, text=seed % 2 == 0) == reference(clauses), f"seed {seed}"


@pytest.mark.parametrize("block", range(4))
def test_no_sanitizer_complains(sanitized: Path, tmp_path: Path, block: int) -> None:
    """Short intervals make reductions, rephasings, mode switches and inprocessings happen on small formulas."""
    often = ["reduce_due.interval=100", "rephase_due.interval=100", "switch_mode.first=50", "inprocess_due.interval=10"]
    arguments = [word for setting in often for word in ("--param", setting)]
    for seed in range(10_000 + 50 * block, 10_000 + 50 * block + 50):
        clauses = random_clauses(seed, sizes=(20, 60, 140, 160))
        answer = confirmed(runner(sanitized), clauses, tmp_path, "--seed", str(seed % 3), *arguments)
        assert answer == reference(clauses), f"seed {seed}"


@pytest.mark.skipif(shutil.which("drat-trim") is None, reason="drat-trim is not installed")
@pytest.mark.parametrize("flags", PROOF_FLAGS)
def test_drat_trim_accepts_the_proofs(solve: Solve, tmp_path: Path, flags: list[str]) -> None:
    formula, proof = tmp_path / "formula.cnf", tmp_path / "proof.drat"
    formula.write_text(dimacs(pigeons(7)))
    assert solve(pigeons(7), "--proof", str(proof), *flags).document["answer"] == "unsat"
    done = subprocess.run(["drat-trim", formula, proof], capture_output=True, text=True)
    assert "s VERIFIED" in done.stdout


@pytest.mark.parametrize("flags", PROOF_FLAGS)
def test_a_long_search_with_many_reductions_has_a_proof(solve: Solve, tmp_path: Path, flags: list[str]) -> None:
    formula, proof = tmp_path / "formula.cnf", tmp_path / "proof.drat"
    formula.write_text(dimacs(pigeons(8)))
    document = solve(pigeons(8), "--proof", str(proof), *flags).document
    assert document["answer"] == "unsat"
    assert document["reductions"] > 0
    assert document["mode_switches"] > 0
    verdict = check_proof(formula, proof)
    assert verdict.verified, verdict.reason


def test_a_proof_can_go_to_an_open_descriptor(engine: Path, tmp_path: Path) -> None:
    formula, proof = tmp_path / "formula.cnf", tmp_path / "proof.drat"
    formula.write_text(dimacs(pigeons(4)))
    with proof.open("wb") as file:
        command = [str(engine), str(formula), "--proof-fd", str(file.fileno())]
        assert subprocess.run(command, pass_fds=[file.fileno()], capture_output=True).returncode == 20
    assert check_proof(formula, proof).verified


def test_a_model_has_a_value_for_every_variable_of_the_header(solve: Solve) -> None:
    model = solve("p cnf 9 1\n2 -5 0\n").document["model"]
    assert sorted(map(abs, model)) == list(range(1, 10))


def test_values_are_printed_in_lines_that_competitions_accept(engine: Path) -> None:
    text = dimacs([[lit] for lit in range(1, 200)])
    done = subprocess.run([str(engine)], input=text, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    values = [line for line in lines if line.startswith("v ")]
    assert done.returncode == 10
    assert lines[0] == "s SATISFIABLE"
    assert max(map(len, values)) <= 78
    assert " ".join(line[2:] for line in values).split() == [*map(str, range(1, 200)), "0"]
