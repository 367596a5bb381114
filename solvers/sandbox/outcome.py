"""How a program in the sandbox ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from slotforge.core.errors import SandboxError

Reason = Literal["exited", "signal", "wall", "cpu", "memory", "stopped", "output"]
"""exited and signal: by itself; wall, cpu, output: a limit was reached; memory: failed with most of its memory limit in
use (an estimate); stopped: by the caller."""

TAIL = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of a program.

    stdout: what it wrote, at most the output limit.
    stderr: the last 64 KiB.
    exit: its exit status, None when a signal ended it.
    signal: the signal that ended it, None when it exited.
    reason: why it ended.
    cpu_s: user and system CPU seconds, to the microsecond, of the program and its descendants.
    wall_s: seconds from start to end.
    rss_kb: the largest resident memory of one process in KiB.
    level: the sandbox level it ran under.
    layers: the layers it ran under, by name.
    """

    stdout: bytes
    stderr: bytes
    exit: int | None
    signal: int | None
    reason: Reason
    cpu_s: float
    wall_s: float
    rss_kb: int
    level: int
    layers: tuple[str, ...]


def read_outcome(report: bytes, stdout: bytes, stderr: bytes, status: int, overflow: bool = False) -> Outcome:
    """Makes the outcome from the launcher's report; a launcher that was itself killed has not measured anything.

    Args:
        report: its line of JSON, empty when the program never started.
        stdout: what the program wrote.
        stderr: the tail of what the program, or the launcher when it failed, wrote.
        status: the launcher's own exit status.
        overflow: it was stopped because it wrote too much.

    Raises:
        SandboxError: the program never started.
    """
    if not report and status < 0:
        return Outcome(
            stdout=stdout,
            stderr=stderr,
            exit=None,
            signal=-status,
            reason="stopped",
            cpu_s=0.0,
            wall_s=0.0,
            rss_kb=0,
            level=0,
            layers=(),
        )
    if not report.endswith(b"\n"):
        lines = stderr.decode(errors="replace").strip().splitlines()
        raise SandboxError(lines[-1] if lines else f"the sandbox launcher ended without a report (status {status})")
    facts = json.loads(report)
    return Outcome(
        stdout=stdout,
        stderr=stderr,
        exit=facts["exit"],
        signal=facts["signal"],
        reason="output" if overflow else facts["reason"],
        cpu_s=facts["cpu_us"] / 1e6,
        wall_s=facts["wall_us"] / 1e6,
        rss_kb=facts["rss_kb"],
        level=facts["level"],
        layers=tuple(facts["layers"]),
    )
