"""Talking with a program in the sandbox through pipes, for as long as it takes."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO

from slotforge.core.errors import SandboxError
from slotforge.solvers.sandbox.complete import stop
from slotforge.solvers.sandbox.launch import Limits, Profile, Request, Started, start
from slotforge.solvers.sandbox.level import level
from slotforge.solvers.sandbox.outcome import TAIL, Outcome, read_outcome


class Session:
    """A program that runs in the sandbox until it is done or killed; leaving its ``with`` block kills it.

    stdin, stdout: unbuffered pipes to and from the program.
    """

    def __init__(self, started: Started) -> None:
        assert started.process.stdin is not None
        assert started.process.stdout is not None
        self.stdin: IO[bytes] = started.process.stdin
        self.stdout: IO[bytes] = started.process.stdout
        self._started = started
        self._errors = bytearray()
        self._report: bytes | None = None
        self._outcome: Outcome | None = None
        self._drain = threading.Thread(target=self._take_errors, daemon=True)
        self._drain.start()

    def _take_errors(self) -> None:
        stderr = self._started.process.stderr
        assert stderr is not None
        while data := os.read(stderr.fileno(), TAIL):
            self._errors += data
            del self._errors[:-TAIL]

    @property
    def running(self) -> bool:
        """True until the program has ended."""
        return self._started.process.poll() is None

    def wait(self, timeout: float | None = None) -> Outcome:
        """Waits for the end; what is left on stdout can no longer be read afterwards.

        Args:
            timeout: seconds to wait, None for ever.

        Raises:
            SandboxError: the program never started, or it has not ended in time.
        """
        if self._outcome is None:
            try:
                status = self._started.process.wait(timeout)
            except subprocess.TimeoutExpired:
                raise SandboxError(f"the program has not ended after {timeout} s: kill it or wait longer") from None
            self._drain.join()
            if self._report is None:
                with os.fdopen(self._started.report, "rb") as report:
                    self._report = report.read()
                stop(self._started.process)
            self._outcome = read_outcome(self._report, b"", bytes(self._errors), status)
        return self._outcome

    def kill(self) -> Outcome:
        """Ends the program and all that it started; harmless when it has ended.

        Raises:
            SandboxError: the program never started.
        """
        if self._outcome is None and self.running:
            self._started.process.terminate()
        return self.wait()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def popen(
    argv: Sequence[str],
    *,
    limits: Limits,
    profile: Profile = "run",
    reads: Sequence[Path] = (),
    keep_fds: Sequence[int] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
    allow_unsafe: bool = False,
    max_level: int = 3,
) -> Session:
    """Starts a program and talks with it through pipes.

    It dies with this process, also when this process is killed.

    Args:
        argv: the program (a path, or a name on PATH) and its arguments; paths as absolute ones.
        limits: what it may use; wall_s=0 for a session without end.
        profile: run or serve.
        reads: files and folders that it may read, besides the system's programs and libraries.
        keep_fds: descriptors that stay open in it.
        environment: variables that it gets besides PATH and LANG; no secrets.
        allow_unsafe: run even where the sandbox cannot contain it (level 0).
        max_level: use no more layers than this level has; for tests and comparisons.

    Raises:
        SandboxError: level 0 and not allowed, or the launcher is missing. What keeps the program from starting is
            raised by `Session.wait`.
    """
    found = level(allow_unsafe=allow_unsafe, max_level=max_level)
    request = Request(
        argv=argv,
        profile=profile,
        limits=limits,
        reads=reads,
        keep_fds=keep_fds,
        environment=environment,
        max_level=max_level if found.number else 0,
    )
    return Session(start(request, subprocess.PIPE))
