"""Checks answers outside of the solver: models against the formula, refutations by a proof checker of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np

from slotforge.core.errors import SlotforgeError
from slotforge.solvers.sat import cnf

_PROGRAM = "slotforge-drat"
_STATUS_OF_EXIT: dict[int, ProofStatus] = {0: "verified", 1: "refused", 2: "unknown", 3: "malformed"}

ProofStatus = Literal["verified", "refused", "unknown", "malformed"]
File = str | os.PathLike[str] | IO[bytes]
"""A path, or an open file, which needs no name."""


@dataclass(frozen=True, kw_only=True)
class ProofVerdict:
    """What the proof checker says.

    status: verified; refused (not a proof of the formula); unknown (limit of time or memory); malformed (a file cannot
        be read as what it should be).
    reason: one line with file and place; empty when verified.
    """

    status: ProofStatus
    reason: str = ""

    @property
    def verified(self) -> bool:
        """Whether the proof holds; false as well when that is not known."""
        return self.status == "verified"


def check_model(formula: cnf.Formula, model: Sequence[int]) -> str | None:
    """Check that a model satisfies a formula.

    formula: the formula as it was given, before any simplification.
    model: literals that are true; variables may be left out where no clause needs them, others may be added.

    Returns: None when no variable is both true and false and each clause has a true literal; otherwise one line that
        names the first fault.
    """
    try:
        true = np.unique(np.asarray(model, dtype=np.int64))
    except (OverflowError, TypeError, ValueError):
        return "the model is not a list of integers"
    both = np.intersect1d(true, -true)
    if len(both):
        fault = int(both[-1])
        return f"the model holds both {fault} and {-fault}" if fault else "the model holds 0, which is no literal"
    flat = cnf.flatten(formula.clauses)
    if not len(flat):
        return None
    variables = int(np.abs(flat).max())
    holds = np.zeros(2 * variables + 1, dtype=bool)
    holds[true[np.abs(true) <= variables] + variables] = True
    starts = np.concatenate(([0], np.flatnonzero(flat == 0)[:-1] + 1))
    satisfied = np.logical_or.reduceat(holds[flat + variables], starts)
    if satisfied.all():
        return None
    first = int(np.argmin(satisfied))
    return f"clause {first + 1} is not satisfied: {' '.join(map(str, (*formula.clauses[first], 0)))}"


def proof_checker() -> Path:
    """Find the program that checks proofs: beside the Python that runs, then on PATH.

    Returns: path of ``slotforge-drat``.

    Raises:
        SlotforgeError: it is not installed.
    """
    found = shutil.which(_PROGRAM, path=sysconfig.get_path("scripts")) or shutil.which(_PROGRAM)
    if found is None:
        folder = sysconfig.get_path("scripts")
        raise SlotforgeError(f"{_PROGRAM} is neither in {folder} nor on PATH: install slotforge again")
    return Path(found)


def check_proof(formula: File, proof: File, *, time_limit: float | None = None) -> ProofVerdict:
    """Check that a DRAT proof refutes a formula, with a program that shares no code with the solver.

    formula: a DIMACS file, plain or, where its path is given, compressed.
    proof: the proof, text or binary (told by content).
    time_limit: processor seconds; None for no limit.

    Returns: the checker's verdict.

    Raises:
        FormulaError: a compressed formula cannot be expanded.
        SlotforgeError: the checker is not installed.

    Source: Wetzler, Heule and Hunt, "DRAT-trim", SAT 2014.
    """
    program = proof_checker()
    if isinstance(formula, (str, os.PathLike)) and os.path.isfile(formula) and cnf.is_compressed(formula):
        with tempfile.TemporaryFile() as plain:
            plain.write(cnf.load(formula))
            plain.flush()
            return check_proof(plain, proof, time_limit=time_limit)
    files = (formula, proof)
    limit = [] if time_limit is None else ["--time-limit", repr(float(time_limit))]
    done = subprocess.run(
        [str(program), *map(_path, files), *limit],
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        pass_fds=[file.fileno() for file in files if not isinstance(file, (str, os.PathLike))],
    )
    return read_verdict(done.returncode, done.stdout, done.stderr)


def _path(file: File) -> str:
    """Return where a program finds a file that it may have inherited, and reads it from its beginning."""
    return str(Path(file).absolute()) if isinstance(file, (str, os.PathLike)) else f"/proc/self/fd/{file.fileno()}"


def read_verdict(code: int, output: str, errors: str) -> ProofVerdict:
    """Read what the proof checker answered, wherever it ran.

    code: its exit status; negative for the signal that ended it.
    output, errors: its standard output and standard error.

    Returns: the verdict; unknown when the program did not come to an end.
    """
    if code not in _STATUS_OF_EXIT:
        return ProofVerdict(status="unknown", reason=f"{_PROGRAM} ended with status {code}")
    status = _STATUS_OF_EXIT[code]
    if status == "verified":
        return ProofVerdict(status="verified" if "s VERIFIED" in output.splitlines() else "unknown")
    lines = (errors if status == "malformed" else output).splitlines()
    return ProofVerdict(status=status, reason=lines[-1].removeprefix("c ") if lines else "no reason given")
