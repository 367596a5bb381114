"""Which process drives a run, and whether it still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """Identify this process among all that ever ran: host, boot, process id, whose ids these are, when it began."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "boot": _boot(), "space": _space(), "pid": pid, "start": _start(pid)}


def lives(driver: Mapping[str, Any] | None, *, elsewhere: bool) -> bool:
    """Say whether the process that took a run is still there.

    Args:
        driver: what `this_process` returned there.
        elsewhere: whether it may be on another machine; that one cannot be asked, and counts as living.

    A process in another container of this machine, which has process ids of its own, cannot be asked either.
    """
    if driver is None:
        return False
    if driver["boot"] != _boot():
        return elsewhere and driver["host"] != socket.gethostname()
    if driver.get("space", _space()) != _space():
        return True
    return driver["start"] is not None and driver["start"] == _start(driver["pid"])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _space() -> str:
    """Name the namespace in which process ids count (pid_namespaces(7))."""
    return os.readlink("/proc/self/ns/pid")


def _start(pid: int) -> int | None:
    """Return the clock tick of the boot in which a process began (proc(5), field 22), or None when it is no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
