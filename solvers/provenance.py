"""Where a candidate comes from, as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate

MARK = b"slotforge candidate"  # stands in the first line of every file that is exported
LOOK = 200  # bytes that are looked at for it


def title(candidate: Candidate) -> str:
    """One line that names a candidate."""
    return f"slotforge candidate {candidate.id}: {', '.join(sorted(candidate.slots)) or 'the default heuristics'}"


def exported(head: bytes) -> bool:
    """Whether a file that begins so is an artefact."""
    return MARK in head


def keep_others(out: Path, ours: Callable[[bytes], bool] = exported, *, folders: bool = True) -> None:
    """Raise UsageError where something would be written over a file of somebody else.

    Args:
        ours: tells by how a file begins whether it may be replaced.
        folders: leave it to others what becomes of a folder.
    """
    if out.is_file():
        with out.open("rb") as file:
            foreign = not ours(file.read(LOOK))
    else:
        foreign = out.is_dir() and not folders
    if foreign:
        raise UsageError(f"{out}: exists and was not exported by slotforge: give another --out")


def called(out: Path) -> str:
    """Name a file in what is written into it; what a docstring cannot hold is replaced."""
    return "".join(sign if sign.isprintable() and sign not in '\\"' else "?" for sign in out.name)


def lines(provenance: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Write nested mappings of plain values and lists of them as an indented list, in their order; leave out blanks."""
    for key, value in provenance.items():
        head = f"{'  ' * depth}- {key}:"
        if isinstance(value, Mapping):
            inner = list(lines(value, depth + 1))
            yield from [head, *inner] if inner else []
        elif value not in (None, "", [], ()):
            yield f"{head} {_plain(value)}"


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
