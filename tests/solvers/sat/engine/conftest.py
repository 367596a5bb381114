"""Programs to test: the engine as installed, and built here with sanitizers and with every policy hostile."""

from __future__ import annotations

import fcntl
import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from slotforge.solvers.sat.build import engine as installed_engine

SAT = Path(__file__).parents[4] / "solvers" / "sat"
ENGINE = SAT / "engine"
INCLUDES = [f"-I{folder}" for folder in (ENGINE, ENGINE / "include", SAT)]
FLAGS = ["-std=c++20", "-ffp-contract=off", *INCLUDES]
SANITIZE = ["-O1", "-g1", "-D_GLIBCXX_ASSERTIONS", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

Clauses = list[list[int]]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run of the engine left behind."""

    code: int
    out: str
    err: str
    document: dict[str, Any] = field(default_factory=dict)


Solve = Callable[..., Run]


def compile_cpp(target: Path, source: Path, *flags: str) -> Path:
    """Compile one file with the compiler that builds everything else; fails the test with its messages."""
    command = [os.environ.get("CXX", "g++"), *FLAGS, *flags, str(source), "-o", str(target), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def working(process: subprocess.Popen[Any]) -> None:
    """Wait until a process has worked for a while, however busy the machine is."""
    deadline = time.monotonic() + 120
    while time.clock_gettime((~process.pid << 3) | 2) < 0.2:  # clock_getcpuclockid(3)
        assert time.monotonic() < deadline, "it does not work"
        time.sleep(0.01)


def dimacs(clauses: Clauses) -> str:
    """A formula as a DIMACS file."""
    variables = max((abs(lit) for clause in clauses for lit in clause), default=0)
    lines = [f"p cnf {variables} {len(clauses)}", *(" ".join(map(str, [*clause, 0])) for clause in clauses)]
    return "\n".join(lines) + "\n"


def random_clauses(seed: int, sizes: Sequence[int] = (5, 12, 30, 60, 100, 140)) -> Clauses:
    """Mostly three literals a clause, around the threshold; with units, duplicates and tautologies now and then."""
    draw = random.Random(seed)
    variables = draw.choice(sizes)
    widths = draw.choices([1, 2, 3, 4, 6], [1, 12, 80, 12, 3], k=int(variables * draw.uniform(3.2, 4.8)))
    return [[draw.choice((1, -1)) * draw.randint(1, variables) for _ in range(width)] for width in widths]


def pigeons(holes: int) -> Clauses:
    """One pigeon too many: unsatisfiable, and long in resolution."""
    at = [[pigeon * holes + hole + 1 for hole in range(holes)] for pigeon in range(holes + 1)]
    pairs = [[-at[i][h], -at[j][h]] for h in range(holes) for i in range(holes + 1) for j in range(i)]
    return at + pairs


def satisfies(model: Sequence[int], clauses: Clauses) -> bool:
    """Whether a model is consistent and makes every clause true."""
    true = set(model)
    return not any(-lit in true for lit in true) and all(any(lit in true for lit in clause) for clause in clauses)


def reference(clauses: Clauses, assumptions: Sequence[int] = ()) -> str:
    """What CaDiCaL says."""
    from pysat.solvers import Cadical153

    with Cadical153(bootstrap_with=clauses) as solver:
        return "sat" if solver.solve(assumptions=list(assumptions)) else "unsat"


def runner(program: Path) -> Solve:
    """A function that runs a program on clauses, with --json, and reads its answer."""

    def solve(clauses: Clauses | str, *arguments: str, code: int | None = None) -> Run:
        text = clauses if isinstance(clauses, str) else dimacs(clauses)
        command = [str(program), "--json", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)
        assert done.returncode in ((0, 10, 20) if code is None else (code,)), done.stderr
        document = json.loads(done.stdout) if done.stdout else {}
        return Run(code=done.returncode, out=done.stdout, err=done.stderr, document=document)

    return solve


@pytest.fixture(scope="session")
def engine() -> Path:
    """The engine as installed."""
    return installed_engine()


@pytest.fixture(scope="session")
def solve(engine: Path) -> Solve:
    """Run the engine as installed."""
    return runner(engine)


@pytest.fixture(scope="session")
def sanitized(builds: Path) -> Path:
    """The engine with plug-ins under the address and undefined-behaviour sanitizers."""
    target = builds / "sanitized"
    with target.with_suffix(".lock").open("w") as lock:  # the first process of the suite compiles it, others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            compile_cpp(target, ENGINE / "fused" / "fused.cpp", f"-I{ENGINE / 'plugin'}", *SANITIZE)
    return target
