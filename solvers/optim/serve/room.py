"""How many processes of rules may live at once in one worker: to start one anew costs more than the memory it takes."""

from __future__ import annotations

import os
from pathlib import Path

FEWEST, MOST = 4, 12  # a race goes over eight in turns, a verdict over a rule and all specialists
EACH_MB = 512  # that there is for each of them; with a small problem one takes 80, with a network 300
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # of a container


def alive(platforms: str, limits: tuple[Path, ...] = LIMITS) -> int:
    """Return how many, by the memory that there is for each CPU; on an accelerator, whose memory is dear, the fewest.

    Args:
        platforms: that JAX uses.
        limits: files with a number of bytes; those that are missing, or hold a word, are no limit.
    """
    if platforms != "cpu":
        return FEWEST
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    memory = min([there, *filter(None, map(_bytes, limits))])
    return max(FEWEST, min(MOST, (memory >> 20) // len(os.sched_getaffinity(0)) // EACH_MB))


def _bytes(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
