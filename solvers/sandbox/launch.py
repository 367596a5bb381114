"""The command line of the launcher, and starting it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Literal

from slotforge.core.errors import SandboxError

Profile = Literal["run", "compile", "serve"]
"""run: one process that reads the named files and writes its output; compile: a compiler with a folder to write in;
serve: a trusted program with threads that runs what nobody trusts in copies of itself, which confine themselves
further (``SLOTFORGE_COPY_FILTER``, see docs/sandbox.md)."""

PROGRAM = "slotforge-sandbox"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a program may use; 0 means no limit for the first three.

    cpu_s: CPU time in seconds (profile compile: of each process).
    wall_s: wall-clock time in seconds.
    memory_mb: address space of each process in MiB.
    file_mb: the largest file it may write in MiB.
    scratch_mb: the size of the private scratch of profile run in MiB.
    """

    cpu_s: float
    wall_s: float
    memory_mb: int
    file_mb: int = 64
    scratch_mb: int = 64


@dataclass(frozen=True, kw_only=True)
class Request:
    """One start of a program, as `run` and `popen` describe it."""

    argv: Sequence[str]
    profile: Profile
    limits: Limits
    reads: Sequence[Path] = ()
    scratch: Path | None = None
    keep_fds: Sequence[int] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    max_level: int = 3


@dataclass(frozen=True, kw_only=True)
class Started:
    """A running launcher.

    report: read end of the pipe on which it says how the program ended.
    """

    process: subprocess.Popen[bytes]
    report: int


@cache
def find_launcher() -> str:
    """The launcher's path: beside this Python, else on PATH.

    Raises:
        SandboxError: not Linux, or not installed.
    """
    if sys.platform != "linux":
        raise SandboxError(f"the sandbox needs Linux, this is {sys.platform}: run slotforge in a Linux container or VM")
    beside = Path(sysconfig.get_path("scripts")) / PROGRAM
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(PROGRAM)
    if found is None:
        raise SandboxError(f"{PROGRAM} is neither at {beside} nor on PATH: install slotforge again (pip install .)")
    return found


def find_program(name: str) -> str:
    """The absolute path of a program given by path or by name on PATH.

    Raises:
        SandboxError: there is none.
    """
    path = name if "/" in name else shutil.which(name)
    if path is None:
        raise SandboxError(f"no program {name!r} on PATH: install it or give its path")
    return os.path.abspath(path)


def command(request: Request, report: int) -> list[str]:
    """The launcher's arguments for a request."""
    limits = request.limits
    options = {
        "--profile": request.profile,
        "--cpu": f"{limits.cpu_s:.6f}",
        "--wall": f"{limits.wall_s:.6f}",
        "--memory": str(limits.memory_mb),
        "--file-size": str(limits.file_mb),
        "--report-fd": str(report),
        "--level": str(request.max_level),
    }
    if request.scratch is not None:
        options |= {"--scratch": os.path.abspath(request.scratch), "--scratch-mb": str(limits.scratch_mb)}
    words = [find_launcher(), *(word for pair in options.items() for word in pair)]
    for path in request.reads:
        words += ["--read", os.path.abspath(path)]
    for descriptor in request.keep_fds:
        words += ["--keep-fd", str(descriptor)]
    for name, value in request.environment.items():
        words += ["--set", f"{name}={value}"]
    return [*words, "--", find_program(request.argv[0]), *request.argv[1:]]


def start(request: Request, stdin: int | IO[bytes]) -> Started:
    """Starts the launcher with pipes for stdout and stderr.

    It gets a session of its own, so that Ctrl-C reaches only this process, which decides.

    Args:
        request: what to run.
        stdin: as for subprocess.
    """
    report, report_end = os.pipe()
    try:
        process = subprocess.Popen(
            command(request, report_end),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(report_end, *request.keep_fds),
            env={},  # what is in ours, keys among it, is none of its business
            start_new_session=True,
            bufsize=0,
        )
    except BaseException:
        os.close(report)
        raise
    finally:
        os.close(report_end)
    return Started(process=process, report=report)
