"""Carrying one request through: the pipes of the launcher, its end, its report."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import IO

from slotforge.solvers.sandbox.launch import Request, Started, start
from slotforge.solvers.sandbox.outcome import TAIL, Outcome, read_outcome

MIB = 1 << 20
CHUNK = 1 << 18
GRACE_S = 10.0
"""How much later than the launcher this process gives up waiting for it."""


class Pump:
    """Moves bytes through the pipes of one launcher without blocking on any of them."""

    def __init__(self, started: Started, stdin: bytes, output_limit: int) -> None:
        self.process = started.process
        self.stdin = memoryview(stdin)
        self.output_limit = output_limit
        self.output = bytearray()
        self.errors = bytearray()
        self.report = bytearray()
        self.overflow = False
        self.selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.selector.register(self.process.stdout, selectors.EVENT_READ, self.take_output)
        self.selector.register(self.process.stderr, selectors.EVENT_READ, self.take_errors)
        self.selector.register(started.report, selectors.EVENT_READ, self.report.extend)
        if self.process.stdin is not None:
            os.set_blocking(self.process.stdin.fileno(), False)
            self.selector.register(self.process.stdin, selectors.EVENT_WRITE)

    def take_output(self, data: bytes) -> None:
        """Keeps output up to the limit; more of it stops the program."""
        room = self.output_limit - len(self.output)
        self.output += data[:room]
        if len(data) > room and not self.overflow:
            self.overflow = True
            self.process.terminate()

    def take_errors(self, data: bytes) -> None:
        """Keeps the tail of the error output."""
        self.errors += data
        del self.errors[:-TAIL]

    def feed(self, stdin: IO[bytes]) -> None:
        """Writes what the pipe takes; a program that no longer listens is no error."""
        try:
            self.stdin = self.stdin[os.write(stdin.fileno(), self.stdin[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.stdin = self.stdin[:0]
        if not self.stdin:
            self.selector.unregister(stdin)
            stdin.close()

    def run(self, wall_s: float) -> None:
        """Moves bytes until every pipe has ended; kills a launcher that outlives its own limit."""
        deadline = time.monotonic() + wall_s + GRACE_S if wall_s else None
        while self.selector.get_map():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                self.process.kill()
                deadline = None
                continue
            for key, events in self.selector.select(left):
                if events & selectors.EVENT_WRITE:
                    self.feed(key.fileobj)  # type: ignore[arg-type]
                elif data := os.read(key.fd, CHUNK):
                    key.data(data)
                else:
                    self.selector.unregister(key.fileobj)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a launcher and the tree below it, however far it has come, and frees its pipes."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def complete(request: Request, stdin: bytes | IO[bytes] | None = None, output_limit: int = 64 * MIB) -> Outcome:
    """Runs a request to its end; `slotforge.solvers.sandbox.run` says the rest."""
    given = subprocess.DEVNULL if stdin is None else subprocess.PIPE if isinstance(stdin, bytes) else stdin
    started = start(request, given)
    pump = Pump(started, stdin if isinstance(stdin, bytes) else b"", output_limit)
    try:
        pump.run(request.limits.wall_s)
        status = started.process.wait()
    finally:
        stop(started.process)
        os.close(started.report)
        pump.selector.close()
    return read_outcome(bytes(pump.report), bytes(pump.output), bytes(pump.errors), status, pump.overflow)
