"""Many files go to a server in parts that it takes at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from slotforge.core.errors import UsageError
from slotforge.lineage.blobs import BlobRecord
from slotforge.service.instances.uploaded import LeftOut, Uploaded
from slotforge.service.transport import TooMuch

AT_ONCE = 50

Upload = Callable[[Sequence[tuple[str, Path]]], Uploaded]
"""Sends files by name in one request; raises UsageError where none can be used, and TooMuch where they are too much."""


def in_parts(files: Sequence[Path], upload: Upload) -> Uploaded:
    """Send all files, and put together what became of them; a part that is too much is sent in halves.

    Raises:
        UsageError: there is one part, and none of it can be used.
        TooMuch: a file by itself is too much; what was sent before stays there.
    """
    kept: dict[str, BlobRecord] = {}
    left_out: list[LeftOut] = []
    warnings: list[str] = []
    parts = deque(files[start : start + AT_ONCE] for start in range(0, len(files), AT_ONCE))
    while parts:
        part = parts.popleft()
        first, others = part[0].name, len(part) - 1
        try:
            found = upload([(path.name, path) for path in part])
        except TooMuch as error:
            if not others:
                raise TooMuch(f"{first}: {str(error).removeprefix(f'{first}: ')}") from None
            half = len(part) // 2
            parts.extendleft((part[half:], part[:half]))
            continue
        except UsageError as error:
            if len(part) == len(files):
                raise
            left_out.append(LeftOut(name=f"{first} and {others} more" if others else first, why=str(error)))
            continue
        kept |= {one.id: one for one in found.instances}
        left_out += found.left_out
        warnings += found.warnings
    return Uploaded(instances=tuple(kept.values()), left_out=tuple(left_out), warnings=tuple(warnings))
