"""The C++ compiler of this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache

from slotforge.core.errors import BuildError

NEEDED = "install g++ (Debian, Ubuntu: apt install g++), or clang++, or set CXX to a C++20 compiler"


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """A C++ compiler.

    path: its program, as an absolute path.
    options: that always come first, when $CXX has more words than the program.
    version: the first line that it says about itself.
    gnu: it is GCC, and takes the options that only GCC has.
    """

    path: str
    options: tuple[str, ...]
    version: str
    gnu: bool


@cache
def compiler() -> Compiler:
    """Find the compiler: $CXX, or g++, or clang++, the first that answers.

    Raises:
        BuildError: there is none, or $CXX does not answer.
    """
    wanted = shlex.split(os.environ.get("CXX", ""))
    for command in [wanted] if wanted else [["g++"], ["clang++"]]:
        if found := _asked(command):
            return found
    raise BuildError(f"the compiler CXX={shlex.join(wanted)} does not answer: {NEEDED}" if wanted else
                     f"there is no C++ compiler on PATH: {NEEDED}")  # fmt: skip


def _asked(command: list[str]) -> Compiler | None:
    path = shutil.which(command[0])
    if path is None:
        return None
    try:
        said = subprocess.run([path, *command[1:], "--version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return Compiler(
        path=os.path.realpath(path),
        options=tuple(command[1:]),
        version=said.stdout.strip().partition("\n")[0],
        gnu="Free Software Foundation" in said.stdout,
    )
