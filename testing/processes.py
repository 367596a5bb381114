"""Which processes there are below others, by /proc."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def parents() -> dict[int, int]:
    """Return the parent of each process that lives."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                found[int(entry.name)] = int(fields[1])
    return found


def children(process: int) -> list[int]:
    """Return the processes that one has started, and that live."""
    return sorted(one for one, parent in parents().items() if parent == process)


def command(process: int) -> list[str]:
    """Return the words of a process's command line; none when it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
