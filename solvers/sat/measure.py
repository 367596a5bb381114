"""Run the engine once in the sandbox, and believe nothing that cannot be checked."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Instance, Measurement, Outcome
from slotforge.solvers import sandbox
from slotforge.solvers.sat import cnf, verify

TICK_LIMIT = 200_000_000  # some seconds of search
SLOWEST = 2_000_000  # ticks per CPU second below which a policy does something else than search
READ_SLOWEST = 5e6  # bytes of a formula per CPU second
GRACE_S = 3.0
LARGEST = 2**63  # what the engine counts is below it
MEMORY_MB = 4096
PROOF_MB = 4096
PROOF_CHECK_S = 600.0
OUT_OF_MEMORY = "out of memory"  # what the engine says of it
STUCK = (
    "no answer in time: it loops, or works too long between conflicts"  # no figures: prompts repeat it, and must repeat
)
COUNTERS = (
    "conflicts",
    "decisions",
    "propagations",
    "restarts",
    "reductions",
    "rephases",
    "mode_switches",
    "glue",
    "trail",
    "solve_cpu_s",
)
TICKS, ANSWERS = (
    "ticks_",
    "slot_",
)  # begin the names of where the ticks went, and of what the policies of a slot answered


def run(
    program: Path,
    arguments: Sequence[str],
    reads: Sequence[Path],
    candidate: str,
    instance: Instance,
    *,
    seed: int,
    limit: float | None,
    prove: bool,
    build: str,
    slots: Collection[str] = (),
    allow_unsafe: bool = False,
) -> Measurement:
    """Solve one instance.

    Args:
        program: the engine, with or without policies inside.
        arguments: the policies to load.
        reads: files besides the formula that the engine must read.
        candidate: its id, for the record.
        limit: of ticks.
        prove: demand a proof when the answer is "unsat".
        build: "plugin" or "fused", for the record.
        slots: whose answers are kept in the statistics; none means all.
        allow_unsafe: run where the machine cannot confine it.

    Returns:
        The measurement: WRONG when the answer is refuted, whatever the engine claims of its cost.
    """
    ticks = int(limit or TICK_LIMIT)
    formula = Path(instance.path)
    with tempfile.TemporaryFile() if prove else nullcontext() as proof:  # it has no name: no kill leaves it behind
        command = [str(program), str(formula), "--json", "--seed", str(seed), "--tick-limit", str(ticks), *arguments]
        if proof:
            command += ["--proof-fd", str(proof.fileno()), "--binary-proof"]
        ended = sandbox.run(
            command,
            profile="run",
            limits=sandbox.Limits(
                cpu_s=_allowed(formula, ticks),
                wall_s=20 * _allowed(formula, ticks),
                memory_mb=MEMORY_MB,
                file_mb=PROOF_MB,
            ),
            reads=[formula, *reads],
            keep_fds=[proof.fileno()] if proof else [],
            allow_unsafe=allow_unsafe,
        )
        record = _Record(
            candidate=candidate, instance=instance, seed=seed, build=build, ended=ended, ticks=ticks, slots=slots
        )
        answer = _parse(ended.stdout)
        if answer is None:
            return record.broken()
        return record.judged(answer, proof)


class _Record:
    """Turns what a process did into a measurement."""

    def __init__(
        self,
        *,
        candidate: str,
        instance: Instance,
        seed: int,
        build: str,
        ended: sandbox.Outcome,
        ticks: int,
        slots: Collection[str],
    ) -> None:
        self.instance = instance
        self.ended = ended
        self.ticks = ticks
        self.profile = (TICKS, *(f"{ANSWERS}{slot}_" for slot in slots)) if slots else (TICKS, ANSWERS)
        self.base: dict[str, Any] = {
            "candidate": candidate,
            "instance": instance.id,
            "family": instance.family,
            "seed": seed,
            "cpu_s": ended.cpu_s,
            "sandbox_level": int(ended.level),
            "build": build,
        }

    def made(self, outcome: Outcome, cost: float, **fields: Any) -> Measurement:
        return Measurement(**self.base, outcome=outcome, cost=max(1.0, cost), **fields)

    def broken(self) -> Measurement:
        """The process gave no answer."""
        if b"the proof cannot be written" in self.ended.stderr:
            said = _last_line(self.ended.stderr)
            raise SlotforgeError(f"{self.instance.name}: {said}: free space in {tempfile.gettempdir()}")
        if too_much := self._too_much():
            return self.made(Outcome.TOO_LARGE, self.ticks, reason=too_much)
        if self.ended.reason in ("cpu", "wall"):
            return self.made(Outcome.TIMEOUT, self.ticks, reason=STUCK)
        how = f"signal {self.ended.signal}" if self.ended.signal else f"exit {self.ended.exit}"
        return self.made(Outcome.CRASH, self.ticks, reason=f"{how}: {_last_line(self.ended.stderr)}")

    def _too_much(self) -> str:
        """Say of what the run needed more than it may have, or nothing."""
        if self.ended.reason == "memory" or _last_line(self.ended.stderr) == OUT_OF_MEMORY:
            return f"it needs more memory than the {MEMORY_MB} MiB of a run"
        if self.ended.reason == "output":
            return "its answer is longer than what is read of it"
        if self.ended.signal == signal.SIGXFSZ:
            return f"its proof is larger than {PROOF_MB} MiB"
        return ""

    def judged(self, answer: Mapping[str, Any], proof: IO[bytes] | None) -> Measurement:
        """The process answered: check it."""
        word, cost = str(answer["answer"]), float(answer["ticks"])
        told = (name for name in answer if name in COUNTERS or name.startswith(self.profile))
        stats = {name: float(answer[name]) for name in told if _is_count(answer[name])}
        if self.ended.cpu_s > _allowed(Path(self.instance.path), cost):
            return self.made(Outcome.TIMEOUT, self.ticks, reason=STUCK, stats=stats)
        if word == "unknown":
            return self.made(Outcome.LIMIT, self.ticks, answer=word, stats=stats)
        evidence, fault = self._check(word, answer, proof)
        outcome = Outcome.WRONG if fault else Outcome.SOLVED
        return self.made(outcome, cost, answer=word, evidence=evidence, reason=fault, stats=stats)

    def _check(self, word: str, answer: Mapping[str, Any], proof: IO[bytes] | None) -> tuple[str, str]:
        """Return the evidence for an answer and what is wrong with it, either of them empty."""
        known = self.instance.status
        if known and known != word:
            return "", f"answered {word}, but it is {known}"
        if word == "sat":
            fault = verify.check_model(formula(self.instance.path), answer.get("model") or [])
            return ("", fault) if fault else ("model", "")
        if proof:
            verdict = verify.check_proof(Path(self.instance.path), proof, time_limit=PROOF_CHECK_S)
            if verdict.status in ("refused", "malformed"):
                return "", f"answered unsat, and the proof does not hold: {verdict.reason}"
            if verdict.verified:
                return "proof", ""
        return ("status", "") if known else ("", "")


def _parse(output: bytes) -> Mapping[str, Any] | None:
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        return None
    known = isinstance(answer, dict) and answer.get("answer") in ("sat", "unsat", "unknown")
    return answer if known and type(answer.get("ticks")) is int and _is_count(answer["ticks"]) else None


def _is_count(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < LARGEST  # type: ignore[operator]


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1][-300:] if lines else "no message"


def _allowed(formula: Path, ticks: float) -> float:
    """Return the CPU seconds in which so much work on a formula must be done, reading it included."""
    return GRACE_S + formula.stat().st_size / READ_SLOWEST + ticks / SLOWEST


@lru_cache(maxsize=8)
def formula(path: str) -> cnf.Formula:
    """Read a stored instance, and keep the last few at hand."""
    return cnf.read(Path(path))
