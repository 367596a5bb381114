"""Dropping what a service leaves behind: in its database, and on this machine logs of jobs and artefacts laid out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from slotforge.core.types import Record
from slotforge.lineage import leftovers
from slotforge.lineage.store import SqlStore
from slotforge.service.artefacts import shelf
from slotforge.service.jobs import log

DAY_S = 86_400.0
DRAFT_S = 3600.0  # what is being made is written to more often than that


class Leftovers(Record):
    """What was dropped, or would be.

    deeds: rows of the audit.
    uploads: in no suite; artefacts: that can be exported again; logs: of jobs that have ended.
    size: bytes of all but the deeds.
    """

    deeds: int
    uploads: int
    artefacts: int
    logs: int
    size: int


def drop(
    store: SqlStore, *, audit_days: float | None = None, unused_days: float | None = None, dry: bool = False
) -> Leftovers:
    """Drop what is older than so many days; a log, and what is laid out, was then last written to.

    Args:
        audit_days: of deeds; None drops none.
        unused_days: of all else; None drops none.
        dry: only count.
    """
    unused = _before(unused_days)
    logs, laid_out = tuple(_logs(leftovers.ended(store), unused)), tuple(_old(shelf.folder(), unused))
    uploads, size = leftovers.uploads(store, unused, dry=dry)
    artefacts, more = leftovers.artefacts(store, unused, dry=dry)
    local = [_remove(path, dry) for path in (*logs, *laid_out)]
    return Leftovers(
        deeds=leftovers.deeds(store, _before(audit_days), dry=dry),
        uploads=uploads,
        artefacts=artefacts,
        logs=len({path.name.partition(".")[0] for path in logs}),
        size=size + more + sum(local),
    )


def _before(days: float | None) -> float:
    """Return the moment so many days ago; nothing was before that of None."""
    return 0.0 if days is None else time.time() - days * DAY_S


def _logs(ended: frozenset[str], before: float) -> Iterator[Path]:
    """Yield the logs of jobs of the store; those of other stores of this home lie beside them."""
    folder = log.path("").parent
    return (path for path in _old(folder, before) if path.name.partition(".")[0] in ended)


def _old(folder: Path, before: float) -> Iterator[Path]:
    """Yield what in a folder was last changed before a moment, and is not being made."""
    draft = min(before, time.time() - DRAFT_S)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            if path.stat().st_mtime < (draft if path.name.startswith(".") else before):
                yield path
        except FileNotFoundError:
            continue


def _remove(path: Path, dry: bool) -> int:
    """Remove a file or a folder; return its bytes."""
    size = sum(file.lstat().st_size for file in (path.rglob("*") if path.is_dir() else (path,)) if file.is_file())
    if not dry:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return size
