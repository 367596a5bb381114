"""Files of formulas: those of a folder that are named so, for what else lies there is nobody's business."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from slotforge.core.errors import UsageError

SUFFIXES = (".cnf", ".dimacs")
PACKED = (".gz", ".xz", ".bz2")


def formulas(paths: Iterable[Path], left_out: list[str]) -> Iterator[Path]:
    """Yield files, and those of folders that are named like CNF files, but not those of subfolders.

    Args:
        left_out: takes a line for everything else in the folders.

    Raises:
        UsageError: a path is not there.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
        yield from _inside(path, left_out) if path.is_dir() else [path]


def shown(name: str) -> str:
    """Return the name of a file with what is no UTF-8 in it replaced."""
    return os.fsencode(name).decode(errors="replace")


def _inside(folder: Path, left_out: list[str]) -> Iterator[Path]:
    for file in sorted(folder.iterdir()):
        if file.is_dir():
            left_out.append(f"{file}: a folder inside the folder, left out (name it as well to use it)")
        elif not _looks_like_cnf(file):
            left_out.append(f"{file}: not named like a CNF file, left out")
        elif not file.is_file():
            left_out.append(f"{file}: not a regular file, left out")
        else:
            yield file


def _looks_like_cnf(file: Path) -> bool:
    stem = file.stem if file.suffix in PACKED else file.name
    return stem.endswith(SUFFIXES)
