"""Functions in Python that run what nobody trusts: each candidate in a process of its own, which may be asked often."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any, Literal

from slotforge.core.errors import SandboxError
from slotforge.solvers.machine import unsafe_allowed
from slotforge.solvers.sandbox.exchange import Babble, Ended, exchange
from slotforge.solvers.sandbox.installed import installed
from slotforge.solvers.sandbox.launch import Limits
from slotforge.solvers.sandbox.level import level
from slotforge.solvers.sandbox.outcome import Outcome
from slotforge.solvers.sandbox.session import Session, popen

ALIVE = 12
"""Processes of candidates at once, for each function."""

LIFE = 30
"""A process is ended, and started again, before it has used so many times the CPU time of one ask."""

SLOWEST = 20.0
"""Wall-clock seconds for a second of CPU time, on a machine that is busy."""

START_S = 5.0
SAID_BYTES = 8 << 20

ENVIRONMENT = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came of an ask.

    outcome: answered; refused: found unfit (BuildError); crash, timeout, memory: it failed.
    reason: of any outcome but answered, one line.
    answer: empty unless answered; nothing in it can be relied on.
    cpu_s: CPU seconds that it took, as its process says.
    """

    outcome: Literal["answered", "refused", "crash", "timeout", "memory"]
    reason: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    cpu_s: float = 0.0
    sandbox_level: int = 0


class Overdue(Exception):
    """It does not answer."""


class Python:
    """One process in the sandbox that answers asks with a function; it dies with this process."""

    def __init__(self, function: str, *, cpu_s: float, memory_mb: int, allow_unsafe: bool, max_level: int = 3) -> None:
        """Start it.

        Args:
            function: MODULE:FUNCTION that answers: of an ask, plain JSON; it raises BuildError for what is unfit.
            cpu_s: the most that one ask may take.
            memory_mb: address space.
            allow_unsafe: run even where the sandbox cannot contain it.
            max_level: use no more layers than this level has; for tests and comparisons.

        Raises:
            SandboxError: it cannot be contained, or the launcher is missing.
        """
        self.level = level(allow_unsafe=allow_unsafe, max_level=max_level).number
        self._cpu_s = cpu_s
        self._used_s = 0.0
        self._session = popen(
            [sys.executable, "-s", "-P", "-B", "-m", "slotforge.solvers.sandbox.python_inside", function],
            limits=Limits(cpu_s=LIFE * cpu_s, wall_s=0, memory_mb=memory_mb),
            reads=installed(),
            environment=ENVIRONMENT,
            allow_unsafe=allow_unsafe,
            max_level=max_level,
        )
        os.set_blocking(self._session.stdin.fileno(), False)
        self.close = weakref.finalize(self, _kill, self._session, os.getpid())

    @property
    def spent(self) -> bool:
        """Whether it is gone, or has too little left of its life to be asked again."""
        return not self._session.running or self._used_s > (LIFE - 2) * self._cpu_s

    def ask(self, ask: Mapping[str, Any]) -> Reply:
        """Ask, and wait; what is late, or says anything but one short line of JSON, is killed."""
        end = time.monotonic() + START_S + SLOWEST * self._cpu_s

        def left() -> float:
            if (rest := end - time.monotonic()) <= 0:
                raise Overdue
            return rest

        pipes = self._session.stdin.fileno(), self._session.stdout.fileno()
        data = json.dumps({"ask": ask, "cpu_s": self._cpu_s}).encode() + b"\n"
        try:
            return self._read(exchange(*pipes, data, 1, SAID_BYTES, left)[0])
        except Overdue:
            self.close()
            return self._failed("timeout", "no answer in time")
        except Ended:
            return self._ended(self._session.wait())
        except (Babble, KeyError, TypeError, ValueError, RecursionError):
            self.close()
            return self._failed("crash", "what it said is no answer")
        except BaseException:  # what is still to be read would be taken for the next answer
            self.close()
            raise

    def _read(self, line: bytes) -> Reply:
        said = json.loads(line)
        cpu_s = min(max(0.0, float(said["cpu_s"])), LIFE * self._cpu_s)
        self._used_s += cpu_s
        if said["outcome"] == "answered":
            return Reply(outcome="answered", answer=dict(said["answer"]), cpu_s=cpu_s, sandbox_level=self.level)
        if said["outcome"] not in ("refused", "crash", "memory"):
            raise ValueError(said["outcome"])
        return self._failed(said["outcome"], _one_line(str(said["reason"])), cpu_s)

    def _ended(self, outcome: Outcome) -> Reply:
        cpu_s = max(0.0, outcome.cpu_s - self._used_s)
        if outcome.reason in ("cpu", "wall") or outcome.signal == signal.SIGPROF:
            return self._failed("timeout", f"no answer within {self._cpu_s:g} CPU seconds", cpu_s)
        if outcome.reason == "memory":
            return self._failed("memory", "out of memory", cpu_s)
        how = f"signal {outcome.signal}" if outcome.signal else f"exit {outcome.exit}"
        lines = outcome.stderr.decode(errors="replace").strip().splitlines()
        return self._failed("crash", _one_line(": ".join([f"it ended with {how}", *lines[-1:]])), cpu_s)

    def _failed(self, outcome: Literal["refused", "crash", "timeout", "memory"], why: str, cpu_s: float = 0.0) -> Reply:
        return Reply(outcome=outcome, reason=why, cpu_s=cpu_s, sandbox_level=self.level)


class Pool:
    """The processes of the candidates of one function; threads may share it, and wait for each other then."""

    def __init__(self, function: str, *, cpu_s: float, memory_mb: int, max_level: int = 3) -> None:
        """Start nothing yet; see `Python`. Whether to run unconfined is asked of SLOTFORGE_ALLOW_UNSAFE_SANDBOX."""
        self._function, self._cpu_s, self._memory_mb, self._max_level = function, cpu_s, memory_mb, max_level
        self._alive: OrderedDict[str, Python] = OrderedDict()
        self._lock = Lock()

    def ask(self, candidate: str, ask: Mapping[str, Any]) -> Reply:
        """Ask a candidate's process; the one that was asked least lately makes room for a new one."""
        with self._lock:
            process = self._alive.pop(candidate, None)
            if process is not None and process.spent:
                process.close()
                process = None
            while process is None and len(self._alive) >= ALIVE:
                self._alive.popitem(last=False)[1].close()
            self._alive[candidate] = process = process or self._start()
            return process.ask(ask)

    def close(self) -> None:
        """Kill every process; the next ask starts anew."""
        while self._alive:
            self._alive.popitem()[1].close()

    def _start(self) -> Python:
        limits = {"cpu_s": self._cpu_s, "memory_mb": self._memory_mb}
        return Python(self._function, **limits, allow_unsafe=unsafe_allowed(), max_level=self._max_level)  # type: ignore[arg-type]


def pool(function: str, *, cpu_s: float, memory_mb: int) -> Pool:
    """Return the pool of this process for a function, which a process that was forked from it does not share."""
    return _by_process(os.getpid(), function, cpu_s, memory_mb)


@cache
def _by_process(_: int, function: str, cpu_s: float, memory_mb: int) -> Pool:
    return Pool(function, cpu_s=cpu_s, memory_mb=memory_mb)


def _kill(session: Session, owner: int) -> None:
    if os.getpid() == owner:  # and not in a process that was forked
        with suppress(SandboxError):  # it never started
            session.kill()


def _one_line(words: str) -> str:
    """Make what nobody trusts fit to be shown: short, printable, one line."""
    return "".join(letter for letter in " ".join(words[:4000].split()) if letter.isprintable())[:300]
