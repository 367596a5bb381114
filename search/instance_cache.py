"""Instances on this machine by the SHA-256 of their content: each file is written at once, and verified by its name."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from slotforge.core.errors import StoreError
from slotforge.core.home import home


def held(digest: str) -> Path | None:
    """Return the file with a content, if it is here and is what it should be."""
    path = _place(digest)
    return path if path.is_file() and digest_of(path) == digest else None


def keep(digest: str, pieces: Iterable[bytes]) -> Path:
    """Write a file; raises StoreError when its content has another digest."""
    path = _place(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        found = hashlib.sha256()
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                found.update(piece)
                file.write(piece)
        if found.hexdigest() != digest:
            raise StoreError(f"the content of instance {digest} is damaged: upload the file again after deleting it")
        os.replace(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)
    return path


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one process of this machine at a time fetch what others wait for."""
    folder = home() / "instances"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # it is let go with the file
        yield


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _place(digest: str) -> Path:
    return home() / "instances" / digest[:2] / f"{digest}.cnf"
