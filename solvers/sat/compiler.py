"""The C++ compiler of this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from slotforge.core.errors import BuildError

NEEDED = "install g++ (Debian, Ubuntu: apt install g++), or clang++, or set CXX to a C++20 compiler"
CACHES = ("ccache", "distcc", "sccache")  # they write where the sandbox lets nobody write
PREFIX = ("include", "lib", "lib64", "libexec")  # not the whole of it, which may be a user's home


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

    @property
    def folders(self) -> list[Path]:
        """What it reads of itself where it is no part of the system: its programs, libraries and headers."""
        real = Path(self.path).resolve()
        prefix = real.parent.parent
        own = [] if real.is_relative_to("/usr") else [prefix / name for name in PREFIX]
        return [Path(self.path).parent, real.parent, *own]


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


def _program(name: str) -> str | None:
    """Find a program by the name it must be called by, which may be a link, but not one to a compiler cache."""
    found = filter(None, (shutil.which(name, path=folder) for folder in os.get_exec_path()))
    return next((os.path.abspath(path) for path in found if Path(path).resolve().name not in CACHES), None)


def _asked(command: list[str]) -> Compiler | None:
    path = _program(command[0])
    if path is None:
        return None
    try:
        said = subprocess.run(
            [path, *command[1:], "--version"],
            env={"PATH": os.environ.get("PATH", os.defpath)},  # the rest, keys among it, is none of its business
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Compiler(
        path=path,
        options=tuple(command[1:]),
        version=said.stdout.strip().partition("\n")[0],
        gnu="Free Software Foundation" in said.stdout,
    )
