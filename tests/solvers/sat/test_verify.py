"""Checks of models and proofs."""

from __future__ import annotations

import gzip
import lzma
import random
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysat.solvers import Solver

from slotforge.core.errors import SlotforgeError
from slotforge.solvers.sat import cnf, verify
from slotforge.testing.quickest import quickest

clauses = st.lists(st.lists(st.integers(-6, 6).filter(bool), max_size=4), max_size=8)


@given(clauses, st.lists(st.integers(-9, 9), max_size=9))
def test_a_model_is_accepted_exactly_when_it_is_consistent_and_meets_each_clause(
    written: list[list[int]], model: list[int]
) -> None:
    right = not any(-literal in model for literal in model) and all(set(clause) & set(model) for clause in written)
    assert (verify.check_model(cnf.Formula(variables=6, clauses=written), model) is None) == right


def test_the_proof_checker_gets_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "checker"
    fake.write_text(f"#!/bin/sh\nenv > {tmp_path}/told\necho s VERIFIED\n")
    fake.chmod(0o755)
    monkeypatch.setattr(verify, "proof_checker", lambda: fake)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    assert verify.check_proof(tmp_path / "f.cnf", tmp_path / "p.drat").verified
    assert "sk-planted" not in (tmp_path / "told").read_text()


def test_a_wrong_model_gets_its_first_fault() -> None:
    formula = cnf.Formula(variables=4, clauses=[(1, 2), (-2, 3), (), (-4,)])
    assert verify.check_model(formula, [1, 2]) == "clause 2 is not satisfied: -2 3 0"
    assert verify.check_model(formula, [1, -2, -4]) == "clause 3 is not satisfied: 0"
    assert verify.check_model(formula, [1, 3, -3]) == "the model holds both 3 and -3"
    assert verify.check_model(formula, [1, 0]) == "the model holds 0, which is no literal"
    assert verify.check_model(formula, [10**30]) == "the model is not a list of integers"
    assert verify.check_model(cnf.Formula(variables=3, clauses=[]), []) is None


def test_a_large_model_is_checked_in_a_moment() -> None:
    rng = random.Random(1)
    model = [name * rng.choice((-1, 1)) for name in range(1, 200_001)]
    written = [(rng.choice(model), rng.randrange(1, 200_001), -rng.randrange(1, 200_001)) for _ in range(300_000)]
    formula = cnf.Formula(variables=200_000, clauses=cnf.ClauseArray(cnf.flatten(written)))
    assert verify.check_model(formula, model) is None
    assert quickest(lambda: verify.check_model(formula, model)) < 1
    wrong = cnf.Formula(variables=200_000, clauses=[*written, (-model[7],)])
    assert verify.check_model(wrong, model) == f"clause 300001 is not satisfied: {-model[7]} 0"


@pytest.fixture(scope="module")
def refutation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    rng = random.Random(2)
    written = [[name * rng.choice((-1, 1)) for name in rng.sample(range(1, 121), 3)] for _ in range(600)]
    with Solver(name="cadical153", bootstrap_with=written, with_proof=True) as solver:
        assert solver.solve() is False
        proof = "\n".join(solver.get_proof()) + "\n"
    folder = tmp_path_factory.mktemp("refutation")
    cnf.write(cnf.Formula(variables=120, clauses=written), folder / "f.cnf")
    (folder / "f.drat").write_text(proof)
    return folder / "f.cnf", folder / "f.drat"


def test_a_proof_is_verified_for_a_plain_and_for_a_compressed_formula(refutation: tuple[Path, Path]) -> None:
    formula, proof = refutation
    packed = formula.with_suffix(".cnf.xz")
    packed.write_bytes(lzma.compress(formula.read_bytes()))
    for file in (formula, packed, str(formula)):
        verdict = verify.check_proof(file, proof, time_limit=60)
        assert verdict == verify.ProofVerdict(status="verified")
        assert verdict.verified


def test_files_that_are_open_need_no_name(refutation: tuple[Path, Path]) -> None:
    formula, proof = refutation
    with formula.open("rb") as first, tempfile.TemporaryFile() as second:
        second.write(proof.read_bytes())
        second.flush()
        assert verify.check_proof(first, second).verified
        assert verify.check_proof(formula, second).verified
        assert verify.check_proof(first, proof).verified


def test_an_expanded_formula_has_no_name_under_which_a_kill_leaves_it(
    refutation: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formula, proof = refutation
    packed = formula.with_suffix(".cnf.gz")
    packed.write_bytes(gzip.compress(formula.read_bytes()))
    named: list[Path] = []
    run = subprocess.run

    def look(*words: Any, **options: Any) -> Any:
        named.extend(tmp_path.iterdir())
        return run(*words, **options)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", look)
    assert verify.check_proof(packed, proof).verified
    assert named == []


def test_what_is_no_proof_is_told_with_a_reason(refutation: tuple[Path, Path], tmp_path: Path) -> None:
    formula, proof = refutation
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.write_text("")
    broken.write_text("1 2 3\n")
    refused = verify.check_proof(formula, empty)
    assert (refused.status, refused.verified) == ("refused", False)
    assert refused.reason.endswith("the proof ends without a conflict")
    malformed = verify.check_proof(formula, broken)
    assert (malformed.status, malformed.verified) == ("malformed", False)
    assert malformed.reason == f"{broken}:2: the last lemma is not ended by 0"
    absent = verify.check_proof(formula, tmp_path / "absent")
    assert absent.status == "malformed"
    late = verify.check_proof(formula, proof, time_limit=0)
    assert late == verify.ProofVerdict(status="unknown", reason="the time limit was reached")


def test_an_ended_checker_verifies_nothing() -> None:
    assert verify.read_verdict(-9, "s VERIFIED\n", "").status == "unknown"
    assert verify.read_verdict(0, "", "").status == "unknown"
    assert verify.read_verdict(1, "", "").status == "refused"


def test_an_absent_checker_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    with pytest.raises(SlotforgeError, match=r"slotforge-drat is neither in .* nor on PATH"):
        verify.proof_checker()
