"""The log file of a job, bounded in size: what its process said, on the machine that it ran on."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from slotforge.core.home import home
from slotforge.core.types import Trial
from slotforge.search.archive import Archive, better
from slotforge.search.proposers._endpoint import redact

MOST_BYTES = 1 << 20  # of a file; there is one more with what was before
LONGEST_LINE = 2000
QUIET_S = 10.0  # at most one line of progress in so many seconds
log = logging.getLogger("slotforge.jobs")


def path(job: str) -> Path:
    """Return where the log of a job is, or would be."""
    return home() / "logs" / f"{job}.log"


def tail(job: str, *, most: int = 64_000) -> str:
    """Return the end of the log of a job, whole lines of at most so many bytes; empty where this machine has none."""
    text = b""
    for file in (path(job), Path(f"{path(job)}.1")):
        if file.is_file() and len(text) < most:
            with file.open("rb") as opened:
                opened.seek(-min(most - len(text), file.stat().st_size), os.SEEK_END)
                text = opened.read() + text
    whole = text if len(text) < most else text.partition(b"\n")[2]
    return whole.decode("utf-8", "replace")


class _Line(logging.Formatter):
    """One bounded line without secrets, with the time in UTC."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Write a record down."""
        return "\n".join(line[:LONGEST_LINE] for line in redact(super().format(record)).splitlines())


@contextmanager
def kept(job: str) -> Iterator[None]:
    """Keep what is logged, and what this process and its workers write on standard output and error."""
    file = path(job)
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(file, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8", errors="replace")
    handler.setFormatter(_Line("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ"))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("slotforge").setLevel(logging.INFO)
    _capture()
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def _capture() -> None:
    """Log what comes on the descriptors of standard output and error."""
    readable, writable = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    for number in (1, 2):
        os.dup2(writable, number)
    os.close(writable)

    def read() -> None:
        with os.fdopen(readable, encoding="utf-8", errors="replace") as lines:
            while line := lines.readline(LONGEST_LINE):
                log.info("%s", line.rstrip("\n"))

    threading.Thread(target=read, name="slotforge-output", daemon=True).start()


class Logged:
    """An observer that writes into the log, and says how a search gets on."""

    def __init__(self) -> None:
        self._stage = ""
        self._done = 0
        self._best: Trial | None = None
        self._said = 0.0

    def note(self, text: str) -> None:
        """Write a line."""
        log.info("%s", text)

    def begin(self, stage: str, total: int | None) -> None:
        """Say that a stage begins."""
        self._stage, self._done, self._said = stage, 0, time.monotonic()
        self.note(f"{stage} ({total})" if total else stage)

    def step(self) -> None:
        """Count."""
        self._done += 1
        self._say(f"{self._stage}: {self._done}")

    def told(self, trial: Trial, archive: Archive) -> None:
        """Say where the search is, and what is best."""
        best = archive.leader
        if best is not None and best is not self._best and better(best, archive.baseline):
            self._best = best
            self.note(f"trial {best.number}: {best.ratio:.3f} of the baseline's cost, the best so far")
        self._say(f"trial {trial.number}: {trial.state}")

    def _say(self, text: str) -> None:
        if time.monotonic() - self._said > QUIET_S:
            self._said = time.monotonic()
            self.note(text)
