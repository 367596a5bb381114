"""Reading uploads in the sandbox: in the service's own process nothing decompresses or parses what strangers send."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from pydantic import ValidationError

from slotforge import service
from slotforge.core.errors import FormulaError, SandboxError
from slotforge.core.types import Record
from slotforge.service.instances import inside
from slotforge.service.instances.inside import DATA, DONE, END, FACTS, FILE, HEAD, PLAIN, REFUSED
from slotforge.service.instances.limits import Limits
from slotforge.service.instances.unpack import MIB, PIECE, TooLarge
from slotforge.solvers import sandbox

STILL_S = 300.0
"""Wall-clock seconds without a word, after which the process is taken to hang."""

PYTHON = 1024 * MIB
"""Address space of the process besides what decompressing may need."""

WORDS = 1000


class Facts(Record):
    """What a file holds. warnings: one line for each departure from the format that was tolerated."""

    variables: int
    clauses: int
    literals: int
    warnings: tuple[str, ...] = ()


class Refused(Record):
    """Why a file is not taken, and whether that is its size."""

    why: str
    large: bool


class Reader:
    """A process that reads files one after the other, begun with the first; a context manager.

    Raises:
        SandboxError: at the first file, where this machine cannot confine it.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._session: sandbox.Session | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._session:
            with suppress(SandboxError):
                self._session.kill()
            self._session.stdin.close()
            self._session.stdout.close()
            self._session = None

    def begin(self, name: str, take: Callable[[bytes], None]) -> Reading:
        """Begin with a file.

        Args:
            name: what messages call it.
            take: is called with the pieces of its plain content.
        """
        self._session = self._session or self._start()
        self.send(FILE, json.dumps({"name": name, "limits": self._limits.model_dump()}).encode())
        return Reading(self, name, take)

    def send(self, kind: bytes, rest: bytes = b"") -> None:
        """Write a frame; a process that does not take it whole is ended, and `receive` fails."""
        assert self._session
        left, inbox = memoryview(kind + len(rest).to_bytes(HEAD - 1, "big") + rest), self._session.stdin.fileno()
        ready = _waiting(inbox, select.POLLOUT)
        with suppress(BrokenPipeError):
            while left and ready():
                left = left[os.write(inbox, left) :]
        if left:
            self.close()

    def receive(self) -> tuple[bytes, bytes]:
        """Read a frame; nothing of it can be relied on. Raises EOFError where none comes."""
        head = self._read(HEAD)
        length = int.from_bytes(head[1:], "big")
        if length > 2 * PIECE:
            raise EOFError
        return head[:1], self._read(length)

    def _start(self) -> sandbox.Session:
        from slotforge.solvers.machine import unsafe_allowed

        session = sandbox.popen(
            [sys.executable, "-s", "-P", "-B", "-m", inside.__name__],
            limits=sandbox.Limits(cpu_s=0, wall_s=0, memory_mb=(PYTHON + 2 * self._limits.memory) // MIB),
            reads=[*sandbox.installed(), *(Path(path).resolve() for path in service.__path__)],
            environment={"OPENBLAS_NUM_THREADS": "1"},
            allow_unsafe=unsafe_allowed(),
        )
        os.set_blocking(session.stdin.fileno(), False)
        return session

    def _read(self, length: int) -> bytes:
        if not self._session:
            raise EOFError
        found, outbox = bytearray(), self._session.stdout.fileno()
        ready = _waiting(outbox, select.POLLIN)
        while len(found) < length:
            if not (ready() and (data := os.read(outbox, length - len(found)))):
                raise EOFError
            found += data
        return bytes(found)


def _waiting(pipe: int, event: int) -> Callable[[], bool]:
    """Return what waits until a pipe is ready, and says whether it is: STILL_S in all."""
    poll, end = select.poll(), time.monotonic() + STILL_S
    poll.register(pipe, event)
    return lambda: bool(poll.poll(max(0.0, 1000 * (end - time.monotonic()))))


class Reading:
    """A file that is being read.

    over: whether the process has said its last word on it.
    """

    def __init__(self, reader: Reader, name: str, take: Callable[[bytes], None]) -> None:
        self._reader, self._name, self._take = reader, name, take
        self.over = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file, as it was sent.

        Raises:
            FormulaError: the file is damaged, too large, or no DIMACS CNF file with a clause; no more of it is taken.
        """
        for start in range(0, len(data), PIECE):
            self._reader.send(DATA, data[start : start + PIECE])
            self._answer(DONE)

    def close(self) -> Facts:
        """Take the end of the file, and say what it holds; raises FormulaError."""
        self._reader.send(END)
        try:
            facts = Facts.model_validate_json(self._answer(FACTS))
        except ValidationError:
            self._failed()
        self.over = True
        return facts

    def _answer(self, last: bytes) -> bytes:
        """Hand on plain content until the last frame, and return what that says."""
        while True:
            try:
                kind, rest = self._reader.receive()
            except EOFError:
                self._failed()
            if kind == PLAIN:
                self._take(rest)
            elif kind == last:
                return rest
            elif kind == REFUSED:
                self.over = True
                self._refuse(rest)
            else:
                self._failed()

    def _refuse(self, rest: bytes) -> NoReturn:
        try:
            said = Refused.model_validate_json(rest)
        except ValidationError:
            self._failed()
        raise (TooLarge if said.large else FormulaError)(" ".join(said.why.split())[:WORDS])

    def _failed(self) -> NoReturn:
        self._reader.close()
        raise FormulaError(f"{self._name}: cannot be read: what reads it in the sandbox has failed")
