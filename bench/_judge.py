"""Holds the engine's answers on one formula against CaDiCaL, the formula itself, and two proof checkers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.solvers.sat import cnf, verify

if TYPE_CHECKING:
    from numpy.random import Generator

    from slotforge.solvers.sat.cnf import Formula

REFERENCE = "cadical195"
LIMITS = ("--conflict-limit=20000", "--tick-limit=20000000")
"""Some numbers, such as a restart at every conflict, make a search endless, which is no fault."""
SECONDS = 120.0
ANSWERS = {10: "sat", 20: "unsat", 0: "unknown"}
COUNTERS = ("conflicts", "restarts", "reductions", "rephases", "mode_switches", "inprocessings")


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Programs and a folder to work in.

    engine: command of the engine, without arguments.
    drat_trim: the other proof checker, where there is one.
    """

    engine: str
    folder: Path
    drat_trim: str | None


def found_drat_trim() -> str | None:
    """Find drat-trim on PATH."""
    return shutil.which("drat-trim")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was counted, and what was wrong, one line each."""

    counts: Mapping[str, int]
    faults: Sequence[str]


def judge(formula: Formula, arguments: Sequence[str], tools: Tools, *, binary: bool, trim: bool) -> Judged:
    """Solve one formula once.

    Args:
        arguments: policies and numbers.
        binary: write the proof in binary, else as text.
        trim: let drat-trim check the proof as well.
    """
    path, proof = tools.folder / "formula.cnf", tools.folder / "proof.drat"
    cnf.write(formula, path)
    options = ["--json", *LIMITS, f"--proof={proof}", *(["--binary-proof"] if binary else [])]
    ended = _run([tools.engine, str(path), *options, *arguments])
    if isinstance(ended, str):
        return Judged(counts={}, faults=[ended])
    try:
        said: Mapping[str, Any] = json.loads(ended.stdout)
        answer = said["answer"]
    except (ValueError, KeyError, TypeError):
        return Judged(counts={}, faults=[f"exit {ended.returncode}: {_last(ended.stderr)}"])
    counts = Counter({answer: 1, **{name: int(said.get(name, 0)) for name in COUNTERS}})
    faults = [*_answer_faults(formula, answer, said.get("model")), *_exit_faults(answer, ended.returncode)]
    if answer == "unsat":
        faults += _proof_faults(path, proof, tools.drat_trim if trim else None)
        counts["binary proofs" if binary else "text proofs"] += 1
        counts["drat-trim"] += int(trim and tools.drat_trim is not None)
    return Judged(counts=counts, faults=faults)


def _answer_faults(formula: Formula, answer: str, model: Any) -> Iterator[str]:
    if answer != "unknown":
        truth = "sat" if reference(formula.clauses) else "unsat"
        if answer != truth:
            yield f"answered {answer}, but it is {truth}"
    if answer == "sat" and (fault := verify.check_model(formula, model or [])):
        yield f"model: {fault}"


def _exit_faults(answer: str, code: int) -> Iterator[str]:
    if ANSWERS.get(code) != answer:
        yield f"answered {answer} with exit status {code}"


def _proof_faults(path: Path, proof: Path, drat_trim: str | None) -> Iterator[str]:
    verdict = verify.check_proof(path, proof, time_limit=SECONDS)
    if not verdict.verified:
        yield f"proof {verdict.status}: {verdict.reason}"
    if drat_trim:
        said = _run([drat_trim, str(path), str(proof)])
        text = said if isinstance(said, str) else said.stdout
        if "s VERIFIED" not in text:
            yield f"drat-trim does not verify the proof: {_last(text)}"


def judge_session(formula: Formula, arguments: Sequence[str], tools: Tools, rng: Generator) -> Judged:
    """Solve one formula incrementally: clauses in three parts, after each some calls under random assumptions."""
    parts = [list(formula.clauses[i::3]) for i in range(3)]
    calls: list[tuple[int, list[int]]] = []  # how many parts are in, assumptions
    lines: list[str] = []
    for count, part in enumerate(parts, 1):
        lines += [" ".join(map(str, ("a", *clause, 0))) for clause in part]
        for _ in range(3):
            calls.append((count, _assumptions(formula.variables, rng)))
            lines += [" ".join(map(str, ("s", 20000, -1, *calls[-1][1], 0))), "m", "c"]
    ended = _run([tools.engine, "--session", *arguments], "\n".join([*lines, "q", ""]))
    if isinstance(ended, str):
        return Judged(counts={}, faults=[ended])
    said = ended.stdout.splitlines()
    if ended.returncode or [line[:1] for line in said] != ["r", "m", "c"] * len(calls):
        return Judged(counts={}, faults=[f"session: exit {ended.returncode}: {_last(ended.stderr or ended.stdout)}"])
    counts: Counter[str] = Counter()
    faults: list[str] = []
    for position, (count, assumed) in enumerate(calls):
        answer = ANSWERS[int(said[3 * position].split()[1])]
        model, core = ([int(word) for word in line.split()[1:-1]] for line in said[3 * position + 1 : 3 * position + 3])
        clauses = [clause for part in parts[:count] for clause in part]
        counts[f"assumed {answer}"] += 1
        faults += [f"call {position + 1}: {fault}" for fault in _call_faults(clauses, assumed, answer, model, core)]
    return Judged(counts=counts, faults=faults)


def _call_faults(
    clauses: Sequence[Sequence[int]], assumed: Sequence[int], answer: str, model: Sequence[int], core: Sequence[int]
) -> Iterator[str]:
    if answer == "unknown":
        return
    truth = "sat" if reference(clauses, assumed) else "unsat"
    if answer != truth:
        yield f"answered {answer} under {assumed}, but it is {truth}"
    elif answer == "sat":
        whole = cnf.Formula(variables=0, clauses=[*clauses, *([literal] for literal in assumed)])
        if fault := verify.check_model(whole, model):
            yield f"model under {assumed}: {fault}"
    elif not set(core) <= set(assumed):
        yield f"core {core} is not among the assumptions {assumed}"
    elif reference(clauses, core):
        yield f"core {core} of {assumed} does not make it unsatisfiable"


def _assumptions(variables: int, rng: Generator) -> list[int]:
    count = int(rng.integers(0, min(9, variables + 1)))
    chosen = 1 + rng.choice(variables, size=count, replace=False)
    literals = [int(v) for v in chosen * rng.choice([-1, 1], size=count)]
    if literals and rng.random() < 0.1:
        literals.append(literals[0] if rng.random() < 0.5 else -literals[0])
    return literals


def reference(clauses: Sequence[Sequence[int]], assumptions: Sequence[int] = ()) -> bool:
    """Whether CaDiCaL finds clauses satisfiable under assumptions."""
    from pysat.solvers import Solver

    with Solver(name=REFERENCE, bootstrap_with=clauses) as solver:
        return bool(solver.solve(assumptions=list(assumptions)))


def _run(command: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str] | str:
    """Run a program to its end; a line that says so when it does not come to one."""
    try:
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS, errors="replace")
    except subprocess.TimeoutExpired:
        return f"{Path(command[0]).name} had not ended after {SECONDS:.0f} s"


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1][:200]
