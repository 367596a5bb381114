"""A look at the environment of every process that descends from one, as long as it lasts: for tests of secrets."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PAUSE_S = 0.03
HARMLESS = {"uname"}  # Python's `platform` runs it to name the processor; it is the system's own, and runs no candidate
LASTING_S = 0.5  # a process that was forked to run a program is a copy of its parent until then, for far less than this


class Watch:
    """Names of the programs that were seen, and of those whose environment holds a secret."""

    def __init__(self, root: int, secret: str) -> None:
        """Watch what descends from a process.

        Args:
            root: id of the process, which is not watched itself.
            secret: that must not reach an environment.
        """
        self.root, self.secret = root, secret.encode()
        self.seen, self.leaks = set[str](), set[str]()
        self._copies: dict[int, float] = {}

    def until(self, ended: Callable[[], bool]) -> None:
        """Look again and again."""
        while not ended():
            for process, parent in self._descendants():
                self._look(process, parent)
            time.sleep(PAUSE_S)

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """Watch for the length of a block."""
        over = threading.Event()
        watcher = threading.Thread(target=self.until, args=(over.is_set,))
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _descendants(self) -> Iterator[tuple[int, int]]:
        """Yield processes with their parents."""
        found = [self.root]
        for process in found:
            below = _children(process)
            found += below
            yield from ((child, process) for child in below)

    def _look(self, process: int, parent: int) -> None:
        folder = Path(f"/proc/{process}")
        try:
            name = Path(os.readlink(folder / "exe")).name
            command = self._command(process)
            environment = (folder / "environ").read_bytes()
        except OSError:
            return
        self.seen.add(name)
        if command != self._command(process):  # it began to run another program meanwhile, and is looked at again
            return
        now = time.monotonic()
        since = self._copies.setdefault(process, now) if command == self._command(parent) else -LASTING_S
        if self.secret in environment and name not in HARMLESS and now - since >= LASTING_S:
            self.leaks.add(name)

    @staticmethod
    def _command(process: int) -> bytes:
        with suppress(OSError):
            return Path(f"/proc/{process}/cmdline").read_bytes()
        return b""


def _children(process: int) -> list[int]:
    """Return what a process has started; to look at these alone costs little, however many others there are."""
    found: list[int] = []
    with suppress(OSError):  # it has ended
        for thread in os.listdir(f"/proc/{process}/task"):
            with suppress(OSError):
                found += map(int, Path(f"/proc/{process}/task/{thread}/children").read_text().split())
    return found
