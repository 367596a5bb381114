"""Artefacts of a candidate: one file of this folder is one kind, and its file name is its name.

A module has `write(candidate, out, provenance, builder)`, which writes the artefact with where it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slotforge.core import registry
from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.types import Candidate
from slotforge.solvers.provenance import keep_others

if TYPE_CHECKING:
    from slotforge.solvers.sat.build import Builder

__all__ = ["export", "kinds"]


def kinds() -> dict[str, str]:
    """Give every kind of artefact with its one-line description."""
    return registry.names(__name__)


def export(candidate: Candidate, kind: str, out: Path, provenance: Mapping[str, Any], builder: Builder) -> Path:
    """Write an artefact that stands alone.

    Args:
        candidate: with its sources.
        kind: one of `kinds`.
        out: file or folder to write; one that was exported before is replaced.
        provenance: what is known of the candidate, as nested mappings, lists and plain values.
        builder: that compiles.

    Returns:
        The path of what was written.

    Raises:
        UsageError: there is no such kind, or what is there already is somebody else's.
        BuildError: the candidate does not compile.
        SlotforgeError: the artefact cannot be written.
    """
    if kind not in kinds():
        raise UsageError(f"no artefact '{kind}' for SAT: choose one of {', '.join(kinds())}")
    keep_others(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        written: Path = registry.load(__name__, kind).write(candidate, out, provenance, builder)
    except OSError as error:
        raise SlotforgeError(f"{error.filename or out}: cannot be written: {error.strerror}") from error
    return written
