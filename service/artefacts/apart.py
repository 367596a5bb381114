"""Processes that do what takes long or is not to be trusted: a few at once, without secrets, and bounded in time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from slotforge.core.errors import BuildError, SlotforgeError
from slotforge.core.types import Record

AT_ONCE = 2
LIMIT_S = 300.0
PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "CXX", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "JAX_PLATFORMS",
    "SLOTFORGE_HOME", "SLOTFORGE_ALLOW_UNSAFE_SANDBOX",
)  # fmt: skip
Wanted = TypeVar("Wanted", bound=Record)

_turns = threading.BoundedSemaphore(AT_ONCE)


class Busy(SlotforgeError):
    """Others are at work: try again in a while."""


@contextmanager
def turn(what: str) -> Iterator[None]:
    """Take one of the few turns at once, or raise Busy. what: is made, in the plural."""
    if not _turns.acquire(blocking=False):
        raise Busy(f"{AT_ONCE} {what} are being made, as many as there may be at once: try again in a minute")
    try:
        yield
    finally:
        _turns.release()


def written(record: Record) -> str:
    """Write a record as JSON that is ASCII, whatever text is in it; `read` takes it in."""
    return json.dumps(record.model_dump(mode="json"))


def read(kind: type[Wanted], text: str) -> Wanted:
    """Read what `written` has made."""
    return kind.model_validate(json.loads(text))


def run(module: str, task: Record, *, folder: Path, what: str) -> str:
    """Hand a task to a module in a process of its own, and return what it prints.

    Args:
        folder: that it works in.
        what: it does, for messages.

    Raises:
        BuildError: it takes longer than LIMIT_S.
        SlotforgeError: it fails.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        cwd=folder,
        text=True,
        start_new_session=True,
    )
    try:
        out, said = process.communicate(written(task), timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise BuildError(f"the {what} took longer than {LIMIT_S:.0f} s, and was ended") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        last = (said.strip().splitlines() or ["it was killed"])[-1]
        raise SlotforgeError(f"the {what} failed: {last}")
    return out
