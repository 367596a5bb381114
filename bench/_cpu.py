"""CPU seconds of this process, and of all that it has started: compilers, solvers, checkers, and what these started."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")


class Cpu(NamedTuple):
    """CPU seconds, user and system: of the process itself, and of all below it, living or ended."""

    own_s: float
    started_s: float


def spent() -> Cpu:
    """Return what was spent since this process began."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cpu(time.process_time(), ended.ru_utime + ended.ru_stime + _living_s())


def since(before: Cpu) -> Cpu:
    """Return what was spent since then."""
    now = spent()
    return Cpu(now.own_s - before.own_s, now.started_s - before.started_s)


def _living_s() -> float:
    """Return what processes below this one that live have spent, with what those below them have that ended."""
    parents, seconds = dict[int, int](), dict[int, float]()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
            seconds[int(entry.name)] = sum(map(int, fields[11:15])) / TICK

    def below(process: int) -> float:
        return sum(seconds[one] + below(one) for one, parent in parents.items() if parent == process)

    return below(os.getpid())
