"""Solve one formula as in a SAT competition, with heuristics that nobody needs to trust."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from slotforge.core.errors import SlotforgeError
from slotforge.solvers import sandbox
from slotforge.solvers.machine import unsafe_allowed
from slotforge.solvers.sat import build, cnf, verify
from slotforge.solvers.sat.domain import Sat
from slotforge.solvers.sat.session import INTERRUPT_PATIENCE_S, UNLIMITED, Process, crash

GRACE_S = 2.0
"""CPU seconds after the time limit when the engine is stopped from outside."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it.

    word: "sat", "unsat" or "unknown".
    model: of "sat", checked.
    limit: why the answer is unknown.
    statistics: the engine's counters.
    """

    word: str
    model: Sequence[int] = ()
    limit: str = ""
    statistics: Mapping[str, Any] = field(default_factory=dict)


class Attempt:
    """One run of the engine on one formula; `interrupt` ends it from a signal handler or another thread.

    slots: the heuristics, slot name to source.
    """

    def __init__(self, slots: Mapping[str, str]) -> None:
        builder = Sat().builder
        self._arguments = builder.engine_arguments(slots)
        self._reads = [builder.cache] if slots else []
        self._interrupted = threading.Event()
        self._process: Process | None = None

    def interrupt(self) -> None:
        """Ask for an end: the engine says what it has done so far, or is killed when it does not answer."""
        self._interrupted.set()
        if self._process and self._process.interrupt():
            timer = threading.Timer(INTERRUPT_PATIENCE_S, self._process.stop)
            timer.daemon = True
            timer.start()
        elif self._process:
            self._process.stop()

    def run(
        self, data: bytes, name: str, *, options: Sequence[str] = (), time_limit: float | None = None,
        proof: IO[bytes] | None = None,
    ) -> Answer:  # fmt: skip
        """Solve.

        Args:
            data: the formula in DIMACS format, not compressed.
            name: what messages call it.
            options: of the engine, such as a seed and limits.
            time_limit: CPU seconds.
            proof: open file that receives a DRAT proof.

        Raises:
            FormulaError: it is no such formula: `NAME:LINE: reason`.
            SlotforgeError: a heuristic crashed, or the answer does not hold.
        """
        command = [str(build.engine()), "-", "--json", *options, *self._arguments]
        limits = UNLIMITED
        if time_limit is not None:
            command += ["--time-limit", repr(time_limit)]
            limits = sandbox.Limits(cpu_s=time_limit + GRACE_S, wall_s=0, memory_mb=0, file_mb=UNLIMITED.file_mb)
        kept = [proof.fileno()] if proof else []
        command += [word for descriptor in kept for word in ("--proof-fd", str(descriptor))]
        with sandbox.popen(
            command, limits=limits, reads=self._reads, keep_fds=kept, allow_unsafe=unsafe_allowed()
        ) as session:
            self._process = Process(session)
            if self._interrupted.is_set():
                self._process.stop()
            output = _exchange(session, data)
            outcome = session.wait()
        self._process = None
        if output.endswith(b"\n"):
            return self._judged(json.loads(output), data, name)
        if self._interrupted.is_set() or outcome.reason == "cpu":
            return Answer(word="unknown", limit="interrupt" if self._interrupted.is_set() else "time, from outside")
        cnf.read(io.BytesIO(data), name=name)
        raise SlotforgeError(crash(outcome))

    def _judged(self, said: Mapping[str, Any], data: bytes, name: str) -> Answer:
        counted = {key: value for key, value in said.items() if isinstance(value, int | float)}
        model = said.get("model", ())
        if said["answer"] == "sat" and (fault := verify.check_model(cnf.read(io.BytesIO(data), name=name), model)):
            raise SlotforgeError(f"the engine's model is none ({fault}): use other heuristics")
        return Answer(word=said["answer"], model=model, limit=said["limit"] or "", statistics=counted)


def _exchange(session: sandbox.Session, data: bytes) -> bytes:
    """Hand over the formula and take in what the engine says until its end."""
    left = memoryview(data)
    with suppress(BrokenPipeError):
        while left:
            left = left[session.stdin.write(left) or 0 :]
        session.stdin.close()
    return session.stdout.read()
