"""The engine as a process in the sandbox that solves one formula again and again, told by lines of text."""

from __future__ import annotations

import json
import os
import select
import signal
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, RLock

from slotforge.core.errors import SandboxError, SlotforgeError
from slotforge.solvers import sandbox

SLICE = 5_000_000
"""Propagations, a second or two, between two looks at whether the engine still moves."""

DESCENTS = 2
"""Times that a slice may assign all variables: what one without a conflict has done is lost."""

PATIENCE_S = 60.0
"""CPU seconds that a slice, or anything else that is asked, may take."""

INTERRUPT_PATIENCE_S = 2.0
"""CPU seconds that the engine may take to answer an interruption."""

UNLIMITED = sandbox.Limits(cpu_s=0, wall_s=0, memory_mb=0, file_mb=1 << 20)

COUNTERS = ("restarts", "conflicts", "decisions", "propagations", "ticks")

_POLL_S = 0.5
_CHUNK = 1 << 16


class Process:
    """The engine's process, as seen from outside of the sandbox: its clock, and interruption.

    session: of the sandbox that the engine runs in.
    """

    def __init__(self, session: sandbox.Session) -> None:
        self._launcher = session._started.process.pid
        self._pid: int | None = None

    def pid(self) -> int | None:
        """The engine's process id, below the launcher and its watcher; None before it runs and where it is hidden."""
        if self._pid is None:
            watcher = _child(self._launcher)
            self._pid = _child(watcher) if watcher else None
        return self._pid

    def cpu_s(self) -> float:
        """CPU seconds that it has used; where that cannot be known, the time on the wall."""
        pid = self.pid()
        with suppress(OSError):
            if pid is not None:
                return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)
        return time.monotonic()

    def interrupt(self) -> bool:
        """Make a running solve end without an answer; false when the engine cannot hear it (yet, or any more)."""
        pid = self.pid()
        with suppress(OSError):
            if pid is not None and _catches(pid, signal.SIGUSR1):
                os.kill(pid, signal.SIGUSR1)
                return True
        return False

    def stop(self) -> None:
        """Kill it, and nothing else: its end is seen by who reads from it."""
        with suppress(OSError):
            os.kill(self._launcher, signal.SIGTERM)


class Engine:
    """An incremental solver in the sandbox; `solvers/sat/engine/session.hpp` says what it understands.

    Every method that talks with it raises SlotforgeError when it crashes or no longer moves; it is closed then.

    command: the engine with its policies.
    reads: what it must read.
    stop: while set, interruptible solves end without an answer.
    proof: descriptor to which it writes a proof.
    counters: as they were when last asked for.
    """

    counters: Mapping[str, int]

    def __init__(
        self, command: Sequence[str], reads: Sequence[Path], stop: Event, *, proof: int | None, allow_unsafe: bool
    ) -> None:
        kept = [] if proof is None else [proof]
        words = [*command, "--session", *(word for fd in kept for word in ("--proof-fd", str(fd)))]
        self._session = sandbox.popen(words, limits=UNLIMITED, reads=reads, keep_fds=kept, allow_unsafe=allow_unsafe)
        self._close = weakref.finalize(self, _kill, self._session, os.getpid())
        self._process = Process(self._session)
        self._stop = stop
        self._lock = RLock()  # a signal handler that interrupts runs in the thread that solves
        self._interruptible = False
        self._deadline_s = 0.0  # on the engine's clock
        self._received = b""
        self.statistics()  # it answers: its policies are loaded, and it hears interruptions

    @property
    def closed(self) -> bool:
        """Whether the process is gone."""
        return not self._close.alive

    def close(self) -> None:
        """End the process."""
        self._close()

    def cpu_s(self) -> float:
        """CPU seconds that the process has used."""
        return self._process.cpu_s()

    def add(self, clauses: Iterable[Sequence[int]]) -> None:
        """Add clauses, sequences of non-zero literals."""
        self._send("".join([f"a {_words(clause)}\n" for clause in clauses]))

    def prefer(self, literals: Sequence[int]) -> None:
        """Decide these variables with these values from now on."""
        self._send(f"p {_words(literals)}\n")

    def solve(
        self,
        assumptions: Sequence[int],
        *,
        variables: int,
        conflicts: int | None,
        propagations: int | None,
        interruptible: bool,
    ) -> bool | None:
        """Decide the formula under assumptions.

        Args:
            assumptions: literals.
            variables: how many there are, at least.
            conflicts, propagations: budgets; None for none.
            interruptible: heed `interrupt`.

        Returns:
            The answer; None when a budget is used up or the solve was interrupted.
        """
        wanted = {"conflicts": conflicts, "propagations": propagations}
        budgets = {name: budget for name, budget in wanted.items() if budget is not None}
        start = self.statistics() if budgets else {}
        left, most = budgets, max(SLICE, DESCENTS * variables)
        while all(budget > 0 for budget in left.values()):
            answer = self._slice(assumptions, left, most, interruptible)
            if answer != "0":
                return answer == "10"
            if interruptible and self._stop.is_set():
                return None
            now = self.statistics() if budgets else {}
            left = {name: budget - (now[name] - start[name]) for name, budget in budgets.items()}
        return None

    def interrupt(self) -> None:
        """End the interruptible solve that is under way, if there is one; from any thread, or a signal handler."""
        with self._lock:
            if self._interruptible:
                self._deadline_s = min(self._deadline_s, self.cpu_s() + INTERRUPT_PATIENCE_S)
                self._process.interrupt()

    def model(self) -> list[int]:
        """The model of the last solve."""
        return self._literals("m")

    def core(self) -> list[int]:
        """The assumptions of the last solve that cannot hold together."""
        return self._literals("c")

    def propagate(self, assumptions: Sequence[int]) -> tuple[bool, list[int]]:
        """Propagate under assumptions: whether that is consistent, and the literals that follow."""
        consistent, *implied = self._ask(f"P {_words(assumptions)}").removeprefix("P ").split()
        return consistent == "1", [int(word) for word in implied[:-1]]

    def statistics(self) -> Mapping[str, int]:
        """The engine's counters by name."""
        counted = json.loads(self._ask("t"))
        self.counters = {name: int(counted[name]) for name in COUNTERS}
        return self.counters

    def _literals(self, command: str) -> list[int]:
        return [int(word) for word in self._ask(command).removeprefix(command).split()[:-1]]

    def _slice(self, assumptions: Sequence[int], budgets: Mapping[str, int], most: int, heed: bool) -> str:
        propagations = min(most, budgets.get("propagations", most))
        command = f"s {budgets.get('conflicts', -1)} {propagations} {_words(assumptions)}"
        with self._lock:
            if heed and self._stop.is_set():
                return "0"
            self._begin(command)
            self._interruptible = heed
        try:
            return self._reply().removeprefix("r ")
        finally:
            with self._lock:
                self._interruptible = False

    def _ask(self, command: str) -> str:
        self._begin(command)
        return self._reply()

    def _begin(self, command: str) -> None:
        self._deadline_s = self.cpu_s() + PATIENCE_S
        self._send(command + "\n")

    def _send(self, text: str) -> None:
        left = memoryview(text.encode())
        try:
            while left:
                left = left[self._session.stdin.write(left) or 0 :]
        except BrokenPipeError:
            raise self._crashed() from None
        except BaseException:  # half a line has been sent
            self.close()
            raise

    def _reply(self) -> str:
        try:
            while b"\n" not in self._received:
                if select.select([self._session.stdout], [], [], _POLL_S)[0]:
                    data = os.read(self._session.stdout.fileno(), _CHUNK)
                    if not data:
                        raise self._crashed()
                    self._received += data
                elif self.cpu_s() > self._deadline_s:
                    raise SlotforgeError(
                        "a heuristic loops, or works too long between conflicts: the engine was stopped, for it did "
                        "not get on; use other heuristics"
                    )
        except BaseException:  # the answer would be taken for that of the next question
            self.close()
            raise
        line, _, self._received = self._received.partition(b"\n")
        reply = line.decode()
        if reply.startswith("e "):
            self.close()  # what it was doing is half done, and may not have been what it was asked last
            raise SlotforgeError(f"the engine: {reply[2:]}")
        return reply

    def _crashed(self) -> SlotforgeError:
        try:
            outcome = self._session.wait(PATIENCE_S)
        except SandboxError as error:
            return error
        finally:
            self.close()
        return SlotforgeError(crash(outcome))


def crash(outcome: sandbox.Outcome) -> str:
    """Say in one line how an engine ended that should not have ended.

    outcome: of the sandbox.
    """
    lines = outcome.stderr.decode(errors="replace").strip().splitlines()
    if outcome.signal is None and lines:
        return f"the engine gave up: {lines[-1]}"
    how = f"signal {signal.Signals(outcome.signal).name}" if outcome.signal else f"exit {outcome.exit}"
    why = "" if outcome.reason in ("signal", "exited") else f", {outcome.reason}"
    return f"the engine crashed ({how}{why}), most likely in one of the heuristics: use others"


def _words(literals: Sequence[int]) -> str:
    return " ".join(map(str, (*literals, 0)))


def _kill(session: sandbox.Session, owner: int) -> None:
    if os.getpid() == owner:  # and not in a process that was forked
        with suppress(SandboxError):  # it never started
            session.kill()


def _child(pid: int) -> int | None:
    """The first child of a process that has one thread."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    return None


def _catches(pid: int, number: signal.Signals) -> bool:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False
