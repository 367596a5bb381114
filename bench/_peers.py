"""The solvers that are compared: ours, those of python-sat, and those on PATH; each run is a process of its own."""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from slotforge.solvers.sat import cnf, verify
from slotforge.solvers.sat.build import engine

OURS = "slotforge"
PYSAT = ("minisat22", "glucose42", "cadical300", "kissat404")
ON_PATH = ("kissat", "cadical", "minisat", "glucose")
ANSWERS = {10: "sat", 20: "unsat"}
UNCOUNTED_S = 0.25  # CPU seconds of a process beside parsing and solving, above which our clock is doubted
UNCOUNTED = 0.03  # and as a share


@dataclass(frozen=True, kw_only=True)
class Run:
    """One solver on one instance.

    answer: sat, unsat, or unknown when the limit was reached.
    cpu_s: seconds inside solve, user and system; of the whole process for programs on PATH. At the limit, the limit.
    stats: counters, by the names of python-sat.
    fault: what must not happen, or nothing.
    """

    answer: str = "unknown"
    cpu_s: float
    stats: Mapping[str, float] = field(default_factory=dict)
    fault: str = ""


Solver = Callable[[Path, float], Run]  # of a formula and CPU seconds


def solvers() -> dict[str, Solver]:
    """Find the solvers of this machine, ours first."""
    found: dict[str, Solver] = {OURS: ours}
    found |= {name: partial(of_pysat, name) for name in PYSAT}
    return found | {f"{name} (PATH)": partial(on_path, name) for name in ON_PATH if shutil.which(name)}


def ours(path: Path, limit: float) -> Run:
    """Run the engine with its default policies; its clock is held against that of the process."""
    ended = _run([str(engine()), str(path), "--json", f"--time-limit={2 * limit + 10}"], limit + 2)
    if ended.code not in ANSWERS:
        return _broken(ended, limit)
    said = json.loads(ended.output)
    counters = ("conflicts", "propagations", "decisions", "restarts", "ticks")
    cpu_s = float(said["solve_cpu_s"])
    if cpu_s > limit:
        return Run(cpu_s=limit)
    uncounted = ended.cpu_s - cpu_s - float(said["parse_cpu_s"])
    fault = _model_fault(path, said["model"]) if said["answer"] == "sat" else ""
    if not fault and uncounted > UNCOUNTED_S + UNCOUNTED * cpu_s:
        fault = f"{uncounted:.2f} CPU seconds of the process are in neither parsing nor solving"
    return Run(answer=said["answer"], cpu_s=cpu_s, stats={name: said[name] for name in counters}, fault=fault)


def of_pysat(name: str, path: Path, limit: float) -> Run:
    """Run a solver of python-sat; loading is not counted."""
    ended = _run([sys.executable, "-m", "slotforge.bench._pysat", name, str(path), str(limit)], None)
    if ended.code != 0:
        return _broken(ended, limit)
    said = json.loads(ended.output)
    if said["cpu_s"] > limit:
        return Run(cpu_s=limit)
    fault = _model_fault(path, said["model"]) if said["answer"] == "sat" else ""
    return Run(answer=said["answer"], cpu_s=said["cpu_s"], stats=said["stats"], fault=fault)


def on_path(name: str, path: Path, limit: float) -> Run:
    """Run a program that answers by its exit status; reading the formula is counted."""
    ended = _run([name, str(path)], limit)
    if ended.code not in ANSWERS:
        return _broken(ended, limit)
    return Run(answer=ANSWERS[ended.code], cpu_s=ended.cpu_s) if ended.cpu_s <= limit else Run(cpu_s=limit)


@dataclass(frozen=True, kw_only=True)
class _Ended:
    code: int
    cpu_s: float
    output: str
    errors: str


def _run(command: Sequence[str], limit: float | None) -> _Ended:
    """Run a process to its end and measure its CPU time; the kernel ends it at the limit, in whole seconds."""

    def confine() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit) + 1))

    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, preexec_fn=confine)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = [(file.seek(0), file.read().decode(errors="replace"))[1] for file in (output, errors)]
    return _Ended(code=process.returncode, cpu_s=usage.ru_utime + usage.ru_stime, output=texts[0], errors=texts[1])


def _broken(ended: _Ended, limit: float) -> Run:
    """Tell a reached limit from a crash."""
    if ended.code in (-24, -9):  # SIGXCPU, and SIGKILL a second later
        return Run(cpu_s=limit)
    last = (ended.errors.strip().splitlines() or ["no message"])[-1]
    return Run(cpu_s=limit, fault=f"ended with status {ended.code}: {last[:200]}")


def _model_fault(path: Path, model: Any) -> str:
    return verify.check_model(cnf.read(path), model or []) or ""
