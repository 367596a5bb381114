"""The zygote: imports what rules need with JAX's backend cold, then forks a copy of itself for each candidate.

It runs in the sandbox under profile serve: python -m slotforge.solvers.optim.serve.zygote MODULE:FUNCTION MOST, where
MOST is how many copies may live at once. An ask is two lines on standard input, and so is a reply on standard output:
what the zygote is to know or has to say (`Head`, `Tail`), then what only the candidate's process reads or writes, which
the zygote passes on unread.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import time
from typing import Any, TypedDict

from slotforge.solvers.optim.serve.child import Answer, live
from slotforge.solvers.optim.serve.programs import Programs
from slotforge.solvers.sandbox.exchange import Babble, Ended, exchange

SAID_BYTES = 32 << 20
"""What a candidate's process may say to one ask."""

MOVE_S = 0.001
"""CPU seconds that tell a process that works from one whose threads wait for one another."""

READY = b"ready\n"


class Head(TypedDict):
    """An ask, as far as the zygote is concerned: whose process, and what it may use."""

    candidate: str
    wall_s: float
    cpu_s: float
    memory_mb: int
    still_s: float


class Tail(TypedDict):
    """What the zygote saw.

    outcome: answered, when the process said something, whatever it was.
    reason: of any other outcome.
    cpu_s: of the process, for this ask.
    alive: candidates that have a process now.
    """

    outcome: str
    reason: str
    cpu_s: float
    alive: list[str]


class Overrun(Exception):
    """A limit was reached; the message says which."""


class Still(Exception):
    """It has used no CPU time for so long that it will never answer."""


class Copy:
    """The process of one candidate."""

    def __init__(self, answer: Answer, programs: Programs, memory_mb: int) -> None:
        """Fork it; the copy never returns."""
        asks, self.inbox = os.pipe2(os.O_CLOEXEC)
        self.outbox, answers = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.inbox, False)
        self.memory_mb = memory_mb
        self._used_s = 0.0
        self.pid = os.fork()
        if self.pid == 0:
            live(answer, programs, asks, answers, memory_mb)
        os.close(asks)
        os.close(answers)

    def ask(self, data: bytes, wall_s: float, cpu_s: float, still_s: float) -> bytes:
        """Hand over a line and wait for one.

        Raises:
            Overrun: it took too long.
            Still: it stands still, as threads that wait for one another do.
            Ended, Babble: it is of no use any more.
        """
        end, most = time.monotonic() + wall_s, self._used_s + cpu_s
        cores = len(os.sched_getaffinity(0))
        moved = (self._clock(), time.monotonic())

        def left() -> float:
            nonlocal moved
            now, clock = time.monotonic(), self._clock()
            if clock - moved[0] > MOVE_S:
                moved = (clock, now)
            wall, cpu, rest = end - now, most - clock, moved[1] + still_s - now
            if wall <= 0:
                raise Overrun(f"no answer within {wall_s:g} s")
            if cpu <= 0:
                raise Overrun(f"no answer within {cpu_s:g} CPU seconds")
            if rest <= 0:
                raise Still
            return min(wall, cpu / cores, rest)

        return exchange(self.inbox, self.outbox, data, 1, SAID_BYTES, left)[0]

    def spent_s(self) -> float:
        """Return its CPU seconds since the last call."""
        before, self._used_s = self._used_s, self._clock()
        return self._used_s - before

    def _clock(self) -> float:
        try:
            return time.clock_gettime((~self.pid << 3) | 2)  # clock_getcpuclockid(3)
        except OSError:
            return self._used_s

    def has_ended(self) -> bool:
        """Tell whether it is gone by itself; it is still to be ended."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> tuple[str, str, float]:
        """Kill it, and say how it ended: an outcome, the reason, and its CPU seconds since `spent_s`."""
        os.kill(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        os.close(self.inbox)
        os.close(self.outbox)
        cpu_s = usage.ru_utime + usage.ru_stime - self._used_s
        if usage.ru_maxrss >= self.memory_mb * 1024 // 4 * 3:
            return "memory", f"it ended with most of its {self.memory_mb} MiB in use", cpu_s
        if os.WIFEXITED(status):
            return "crash", f"it exited with status {os.WEXITSTATUS(status)}", cpu_s
        return "crash", f"it was ended by {signal.Signals(os.WTERMSIG(status)).name}", cpu_s


class Zygote:
    """The candidates' processes, the one that was asked last at the end."""

    def __init__(self, answer: Answer, most: int) -> None:
        """Prepare, and start nothing. most: copies that live at once."""
        self._answer = answer
        self._most = most
        self._programs = Programs()
        self._programs.install()
        self._copies: dict[str, Copy] = {}

    def ask(self, head: Head, data: bytes) -> tuple[Tail, bytes]:
        """Let a candidate's process answer within its limits; what does not is killed."""
        name, said = head["candidate"], b"{}"
        copy = self._copy_of(name, head["memory_mb"])
        try:
            said = copy.ask(data, head["wall_s"], head["cpu_s"], head["still_s"])
            outcome, reason, cpu_s = "answered", "", copy.spent_s()
        except (Overrun, Still, Ended, Babble) as error:
            outcome, reason, cpu_s = self._copies.pop(name).end()
            if isinstance(error, Still):
                outcome, reason = "still", f"no CPU time used in {head['still_s']:g} s"
            if isinstance(error, Overrun):
                outcome, reason = "timeout", str(error)
            if isinstance(error, Babble):
                outcome, reason = "crash", f"it said {error}"
        return Tail(outcome=outcome, reason=reason, cpu_s=cpu_s, alive=list(self._copies)), said

    def _copy_of(self, name: str, memory_mb: int) -> Copy:
        copy = self._copies.pop(name, None)
        if copy is not None and (copy.memory_mb != memory_mb or copy.has_ended()):
            copy.end()
            copy = None
        if copy is None:
            while len(self._copies) >= self._most:
                self._copies.pop(next(iter(self._copies))).end()
            copy = Copy(self._answer, self._programs, memory_mb)
        self._copies[name] = copy
        return copy


def prepare(name: str) -> Answer:
    """Import what every candidate needs, and leave JAX's backend, which has threads, to the copies.

    Raises:
        RuntimeError: something has started the backend, so that no fork would be sound.
    """
    import array_api_compat  # noqa: F401
    import jax
    import jax.numpy
    import jax.scipy.linalg
    from jax._src import xla_bridge

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    module, _, function = name.partition(":")
    answer: Answer = getattr(importlib.import_module(module), function)
    if xla_bridge.backends_are_initialized():
        raise RuntimeError(f"{module} computes with JAX when it is imported, so that the zygote cannot fork")
    gc.collect()
    gc.freeze()
    return answer


def main() -> None:
    """Serve until standard input ends."""
    zygote = Zygote(prepare(sys.argv[1]), int(sys.argv[2]))
    out = sys.stdout.buffer
    out.write(READY)
    out.flush()
    asks = sys.stdin.buffer
    while (line := asks.readline()) and (data := asks.readline()):
        head: Any = json.loads(line)
        tail, said = zygote.ask(head, data)
        out.write(json.dumps(tail).encode() + b"\n" + said + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
