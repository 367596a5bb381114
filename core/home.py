"""The user's folder: what slotforge keeps between runs, each file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slotforge.core.errors import StoreError


def home() -> Path:
    """Return $SLOTFORGE_HOME, or ~/.slotforge, and make it if need be; raises StoreError when that cannot be."""
    folder = Path(os.environ.get("SLOTFORGE_HOME") or "~/.slotforge").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder {folder} ({error.strerror}): set SLOTFORGE_HOME to a folder that you may write"
        ) from error
    return folder


@contextmanager
def arriving(path: Path) -> Iterator[Path]:
    """Give a name beside a file, in a folder that is made; what is written there takes its place when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.part")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
