"""What this machine's kernel can give: the sandbox level, found by attacking."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache

from slotforge.core.errors import SandboxError
from slotforge.solvers.sandbox.complete import complete
from slotforge.solvers.sandbox.launch import Limits, Request, find_launcher

ATTACKS_STOPPED = frozenset({"fork", "exec", "chmod", "connect", "write", "signal", "ptrace"})
"""What every level but 0 stops (the launcher's own test, ``--attack``); levels 2 and 3 stop "read" as well."""

ADVICE = {
    3: "all layers",
    2: "no namespaces (usual in containers and on Ubuntu 24.04): no scratch for programs, otherwise as safe",
    1: "no Landlock: a program can read what its user can; keep secrets off this machine, or use Linux 5.13 or later",
    0: "no system-call filter: anything can happen",
}


@dataclass(frozen=True, kw_only=True)
class Level:
    """A sandbox level.

    number: 3 all layers, 2 without namespaces, 1 system-call filter only, 0 unsafe.
    layers: the layers that are in force, by name.
    """

    number: int
    layers: tuple[str, ...]

    @property
    def advice(self) -> str:
        """What the level means, in one line."""
        return ADVICE[self.number]


@cache
def probe(max_level: int) -> Level:
    """Runs the launcher's attacks inside the sandbox and believes the result only.

    Args:
        max_level: use no more layers than this level has.

    Raises:
        SandboxError: not Linux, or the launcher is missing.
    """
    limits = Limits(cpu_s=5, wall_s=30, memory_mb=256, file_mb=1)
    request = Request(argv=(find_launcher(), "--attack"), profile="run", limits=limits, max_level=max_level)
    try:
        outcome = complete(request)
    except SandboxError:
        outcome = complete(replace(request, max_level=0))
    succeeded = set(json.loads(outcome.stdout))
    number = outcome.level
    if "read" in succeeded:
        number = min(number, 1)
    if succeeded & ATTACKS_STOPPED:
        number = 0
    return Level(number=number, layers=outcome.layers)


def level(*, allow_unsafe: bool = False, max_level: int = 3) -> Level:
    """The sandbox level of this machine, probed once per process.

    Args:
        allow_unsafe: accept level 0.
        max_level: use no more layers than this level has; for tests and comparisons.

    Raises:
        SandboxError: not Linux, the launcher is missing, or level 0 and not allowed.
    """
    found = probe(max_level)
    if found.number == 0 and not allow_unsafe:
        raise SandboxError(
            "this machine cannot contain hostile code (no seccomp filter): use a Linux kernel or container with "
            "seccomp, or accept the risk with --allow-unsafe-sandbox"
        )
    return found
