"""The user's folder: what slotforge keeps between runs."""

from __future__ import annotations

import os
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
