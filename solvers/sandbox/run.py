"""Running a program in the sandbox to its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from slotforge.solvers.sandbox.complete import MIB, complete
from slotforge.solvers.sandbox.launch import Limits, Profile, Request
from slotforge.solvers.sandbox.level import level
from slotforge.solvers.sandbox.outcome import Outcome


def run(
    argv: Sequence[str],
    *,
    profile: Profile,
    limits: Limits,
    reads: Sequence[Path] = (),
    scratch: Path | None = None,
    stdin: bytes | IO[bytes] | None = None,
    keep_fds: Sequence[int] = (),
    output_limit: int = 64 * MIB,
    allow_unsafe: bool = False,
    max_level: int = 3,
) -> Outcome:
    """Runs a program in the sandbox and waits for its end. Safe to call from threads.

    Args:
        argv: the program (a path, or a name on PATH) and its arguments. Its working folder is the scratch, or
            /; give paths as absolute ones.
        profile: run or compile.
        limits: what it may use.
        reads: files and folders that it may read, besides the system's programs and libraries.
        scratch: a folder that it may write in. Profile compile: the folder itself, kept. Profile run: an empty private
            one at that path, gone at the end; needs level 3.
        stdin: what it reads: bytes, an open file, or nothing.
        keep_fds: descriptors that stay open in it, for example the end of a pipe.
        output_limit: bytes of standard output after which it is stopped.
        allow_unsafe: run even where the sandbox cannot contain it (level 0).
        max_level: use no more layers than this level has; for tests and comparisons.

    Returns:
        How it ended; reaching a limit is an outcome, not an error.

    Raises:
        SandboxError: it could not be started, or level 0 and not allowed.
    """
    found = level(allow_unsafe=allow_unsafe, max_level=max_level)
    request = Request(
        argv=argv,
        profile=profile,
        limits=limits,
        reads=reads,
        scratch=scratch,
        keep_fds=keep_fds,
        max_level=max_level if found.number else 0,
    )
    return complete(request, stdin, output_limit)
