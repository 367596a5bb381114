"""Exports one candidate in a process of its own: a task as JSON on standard input, what came of it on standard output.

The process knows no store and no secrets; whoever starts it bounds its time.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slotforge.core.errors import SlotforgeError
from slotforge.core.types import Candidate, Record
from slotforge.service.artefacts.apart import read, written


class Task(Record):
    """What to export: see `core.seams.Domain.export`."""

    candidate: Candidate
    kind: str
    out: str
    provenance: Mapping[str, Any]


class Done(Record):
    """What came of it: the path of what was written, or the name of an error of `core.errors` and what it says."""

    written: str = ""
    error: str = ""
    why: str = ""


def export(task: Task) -> Done:
    """Export a candidate."""
    from slotforge.search import worker

    try:
        domain = worker.domain(task.candidate.domain)
        written = domain.export(task.candidate, task.kind, Path(task.out), task.provenance)
    except SlotforgeError as error:
        return Done(error=type(error).__name__, why=str(error))
    except UnicodeEncodeError:
        return Done(error="BuildError", why="its source holds what is no Unicode text, so no file can be made of it")
    return Done(written=str(written))


def main() -> None:
    """Do the task; nothing else that is printed gets in the way of the answer."""
    task = read(Task, sys.stdin.read())
    with contextlib.redirect_stdout(sys.stderr):
        done = export(task)
    print(written(done))


if __name__ == "__main__":
    main()
