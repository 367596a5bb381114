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

from slotforge.core.errors import UnknownId
from slotforge.core.home import home
from slotforge.core.types import Record
from slotforge.search.proposers._endpoint import redact

MOST_BYTES = 1 << 20  # of a file; there is one more with what was before
SHOWN_BYTES = 64 << 10  # of what is shown of it, unless another number is asked for
LONGEST_LINE = 2000  # that is kept; of a longer one its beginning
WINDOW = 64 << 10  # characters of a line in which secrets are looked for
log = logging.getLogger("slotforge.jobs")


def path(job: str) -> Path:
    """Return where the log of a job is, or would be."""
    return home() / "logs" / f"{job}.log"


class JobLog(Record):
    """The end of the log of a job. cut: there was more before it."""

    job: str
    text: str
    cut: bool


def tail(job: str, most: int = SHOWN_BYTES) -> JobLog:
    """Return the end of the log of a job, in whole lines, without secrets and the names of this server's folders.

    Args:
        job: its whole id.
        most: bytes to read.

    Raises:
        UnknownId: there is none on this machine.
    """
    file = path(job)
    parts = [_end(one, most) for one in (file.with_name(f"{file.name}.1"), file)]
    if not any(parts):
        raise UnknownId(f"no log of job {job} on this server: it is on the one that drove the job, or was not begun")
    whole = b"".join(parts)
    cut = len(whole) > most
    kept = whole[-most:].partition(b"\n")[2] if cut else whole
    text = redact(kept.decode(errors="replace")).replace(str(home()), "$SLOTFORGE_HOME")
    return JobLog(job=job, text=text, cut=cut)


def _end(file: Path, most: int) -> bytes:
    """Read the last bytes of a file, one more than asked for where there are more; nothing where there is no file."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - most - 1))
            return opened.read()
    except FileNotFoundError:
        return b""


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
            begins = True
            while piece := lines.readline(WINDOW):
                if begins:
                    log.info("%s", _beginning(piece))
                begins = piece.endswith("\n")

    threading.Thread(target=read, name="slotforge-output", daemon=True).start()


def _beginning(piece: str) -> str:
    """Return the beginning of a line without secrets; of one that is cut off, nothing near where a secret may be."""
    text = redact(piece)
    return text.rstrip("\n") if len(piece) < WINDOW else text[: -WINDOW // 2]
