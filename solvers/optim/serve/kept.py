"""Compiled programs on disk: each candidate gets back what its own process made, and never what another made."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from slotforge.core.ids import content_id

ALL_BYTES = 256 << 20
ONE_BYTES = 16 << 20
_NAME = re.compile(r"\w[\w.-]{0,199}", re.ASCII)
_SAVES_PER_LOOK = 32


class Kept:
    """A folder of compiled programs, one folder below it for each candidate; old candidates make room for new ones.

    Processes share it, so that what one has just seen another may have removed. Nothing depends on it: what cannot be
    read is compiled again, and what cannot be written is not kept.
    """

    def __init__(self, folder: Path, *, all_bytes: int = ALL_BYTES, one_bytes: int = ONE_BYTES) -> None:
        self._folder = folder
        self._all_bytes = all_bytes
        self._one_bytes = one_bytes
        self._saves = 0

    def load(self, candidate: str) -> dict[str, str]:
        """Read a candidate's programs as text."""
        found = {}
        with suppress(OSError):
            for path in self._programs(candidate):
                found[path.name] = b64encode(path.read_bytes()).decode()
        return found

    def save(self, candidate: str, programs: Mapping[str, str]) -> None:
        """Keep programs that a candidate's process gave; what is malformed or too much is left out."""
        with suppress(OSError):
            self._save(candidate, programs)

    def _save(self, candidate: str, programs: Mapping[str, str]) -> None:
        folder = self._of(candidate)
        room = self._one_bytes - sum(path.stat().st_size for path in self._programs(candidate))
        for name, text in programs.items():
            content = _decoded(text)
            if content is None or not _NAME.fullmatch(name) or (room := room - len(content)) < 0:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / name, content)
        if programs and self._folder.is_dir():
            if self._saves % _SAVES_PER_LOOK == 0:
                self._make_room()
            self._saves += 1

    def _of(self, candidate: str) -> Path:
        return self._folder / (candidate if _NAME.fullmatch(candidate) else content_id(candidate))

    def _programs(self, candidate: str) -> list[Path]:
        folder = self._of(candidate)
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name)) if folder.is_dir() else []

    def _make_room(self) -> None:
        sizes = {folder: sum(path.stat().st_size for path in folder.iterdir()) for folder in self._folder.iterdir()}
        total = sum(sizes.values())
        for folder in sorted(sizes, key=lambda folder: folder.stat().st_mtime):
            if total <= self._all_bytes:
                return
            total -= sizes[folder]
            shutil.rmtree(folder, ignore_errors=True)


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except (Error, ValueError):
        return None


def _write(path: Path, content: bytes) -> None:
    """Write a file that is complete whenever it is seen."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(temporary, path)
