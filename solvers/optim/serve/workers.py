"""Asking candidates from outside of the sandbox."""

from __future__ import annotations

import json
import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from pydantic import ValidationError

from slotforge.core.errors import SandboxError
from slotforge.core.home import home
from slotforge.core.types import Record
from slotforge.solvers import sandbox
from slotforge.solvers.machine import unsafe_allowed
from slotforge.solvers.optim.serve.kept import Kept
from slotforge.solvers.optim.serve.start import start
from slotforge.solvers.optim.serve.zygote import SAID_BYTES, Head
from slotforge.solvers.sandbox.exchange import Babble, Ended, exchange

ANSWER = "slotforge.solvers.optim.answer:answer"

START_S = 120.0
STILL_S = 30.0
GRACE_S = 10.0
"""How much later than the zygote this process gives up waiting for an answer."""


class Reply(Record):
    """What came of an ask.

    outcome: answered; refused: the candidate was found unfit (BuildError); crash, timeout, memory: it failed; still is
        not told: what stands still is asked again, and has a timeout the second time.
    reason: of any outcome but answered, one line.
    cpu_s: CPU seconds that the candidate's process spent on it, as seen from outside of it.
    answer: empty unless answered.
    sandbox_level: under which it ran.
    """

    outcome: Literal["answered", "refused", "crash", "timeout", "memory", "still"]
    reason: str = ""
    cpu_s: float = 0.0
    answer: Mapping[str, Any] = {}
    sandbox_level: int = 0


class Said(Record):
    """What a candidate's process says: nothing here can be relied on."""

    outcome: Literal["answered", "refused", "crash", "memory"]
    reason: str = ""
    answer: Mapping[str, Any] = {}
    programs: Mapping[str, str] = {}


class Overdue(Exception):
    """The zygote itself does not answer."""


class Workers:
    """The candidates' processes of one caller; threads may share it, and wait for each other then.

    The sandbox starts with the first ask, starts again after it died, and dies with this process in any case.
    """

    def __init__(
        self,
        answer: str = ANSWER,
        *,
        paths: Sequence[Path] = (),
        allow_unsafe: bool | None = None,
        max_level: int = 3,
        still_s: float = STILL_S,
        kept: Path | None = None,
    ) -> None:
        """Prepare, and start nothing.

        Args:
            answer: MODULE:FUNCTION that runs inside.
            paths: folders with further modules.
            allow_unsafe: run even where the sandbox cannot contain it; None asks SLOTFORGE_ALLOW_UNSAFE_SANDBOX.
            max_level: use no more layers than this level has; for tests and comparisons.
            still_s: seconds without any CPU time after which a process is taken to stand still for ever.
            kept: folder of compiled programs; None is that of the user.
        """
        self._answer = answer
        self._paths = tuple(path.absolute() for path in paths)
        self._allow_unsafe = unsafe_allowed() if allow_unsafe is None else allow_unsafe
        self._max_level = max_level
        self._still_s = still_s
        self._kept = Kept(kept or home() / "jax")
        self._lock = Lock()
        self._session: sandbox.Session | None = None
        self._close: Callable[[], object] = lambda: None
        self._alive: list[str] = []
        self._level = 0

    def ask(self, candidate: str, ask: Mapping[str, Any], *, wall_s: float, cpu_s: float, memory_mb: int) -> Reply:
        """Ask a candidate, in its own process, which remembers what it has compiled.

        A process whose threads came to wait for one another says nothing of the candidate: it is killed, and a new one
        is asked, once.

        Args:
            candidate: names the process, and the compiled programs that are kept: the same name, the same rules.
            ask: what the function inside gets; plain JSON.
            wall_s, cpu_s: the most that it may take; then its process is killed.
            memory_mb: private memory of its process, about 200 of it for Python and JAX.

        Raises:
            SandboxError: the sandbox does not start, or cannot contain what runs in it.
        """
        for again in (True, False):
            reply = self._ask(candidate, ask, wall_s=wall_s, cpu_s=cpu_s, memory_mb=memory_mb)
            if reply.outcome != "still" or not again:
                break
        return reply.model_copy(update={"outcome": "timeout"}) if reply.outcome == "still" else reply

    def _ask(self, candidate: str, ask: Mapping[str, Any], *, wall_s: float, cpu_s: float, memory_mb: int) -> Reply:
        with self._lock:
            session = self._running()
            programs = {} if candidate in self._alive else self._kept.load(candidate)
            head = Head(candidate=candidate, wall_s=wall_s, cpu_s=cpu_s, memory_mb=memory_mb, still_s=self._still_s)
            lines = (head, {"ask": ask, "programs": programs})
            data = "".join(json.dumps(line) + "\n" for line in lines).encode()
            try:
                tail, said = self._exchange(session, data, 2, wall_s + GRACE_S)
            except Overdue:
                self.close()
                return Reply(outcome="timeout", reason="the sandbox did not answer", sandbox_level=self._level)
            except (Ended, Babble):
                reason = f"the sandbox ended: {_last_words(session)}"
                self.close()
                return Reply(outcome="crash", reason=reason, sandbox_level=self._level)
            except BaseException:  # what is still to be read would be taken for the next answer
                self.close()
                raise
            return self._reply(candidate, json.loads(tail), said)

    def close(self) -> None:
        """Kill every process; the next ask starts anew."""
        self._close()
        self._session, self._alive = None, []

    def _reply(self, candidate: str, tail: Mapping[str, Any], line: bytes) -> Reply:
        self._alive = tail["alive"]
        seen = {"cpu_s": tail["cpu_s"], "sandbox_level": self._level}
        if tail["outcome"] != "answered":
            return Reply(outcome=tail["outcome"], reason=tail["reason"], **seen)
        try:
            said = Said.model_validate(json.loads(line))
        except (ValidationError, ValueError, RecursionError):
            return Reply(outcome="crash", reason="what it said is no answer", **seen)
        self._kept.save(candidate, said.programs)
        if said.outcome != "answered":
            return Reply(outcome=said.outcome, reason=_one_line(said.reason), **seen)
        return Reply(outcome="answered", answer=said.answer, **seen)

    def _running(self) -> sandbox.Session:
        if self._session is not None and self._session.running:
            return self._session
        self.close()
        session, self._level = start(self._answer, self._paths, self._allow_unsafe, self._max_level)
        self._session, self._close = session, weakref.finalize(self, _kill, session, os.getpid())
        try:
            self._exchange(session, b"", 1, START_S)
        except (Ended, Babble, Overdue):
            words = _last_words(session)
            self.close()
            raise SandboxError(f"the process that runs rules does not start: {words}") from None
        return session

    @staticmethod
    def _exchange(session: sandbox.Session, data: bytes, lines: int, wall_s: float) -> list[bytes]:
        end = time.monotonic() + wall_s

        def left() -> float:
            if (rest := end - time.monotonic()) <= 0:
                raise Overdue
            return rest

        pipes = session.stdin.fileno(), session.stdout.fileno()
        return exchange(*pipes, data, lines, SAID_BYTES + (1 << 20), left)


def _one_line(words: str) -> str:
    """Make what nobody trusts fit to be shown: short, printable, one line."""
    return "".join(letter for letter in " ".join(words[:4000].split()) if letter.isprintable())[:300]


def _last_words(session: sandbox.Session) -> str:
    lines = session.kill().stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _kill(session: sandbox.Session, owner: int) -> None:
    if os.getpid() == owner:  # and not in a process that was forked
        with suppress(SandboxError):  # it never started
            session.kill()


def workers() -> Workers:
    """Return the workers of this process, which a process that was forked from it does not share."""
    return _by_process(os.getpid())


@cache
def _by_process(_: int) -> Workers:
    return Workers()
