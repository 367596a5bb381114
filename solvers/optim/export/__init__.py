"""Artefacts of a candidate: one file of this folder is one kind, and its file name is its name.

A module has `text(slots, head)`, which returns one Python file that stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slotforge.core import registry
from slotforge.core.errors import SlotforgeError, UsageError
from slotforge.core.types import Candidate
from slotforge.solvers.optim.export._file import Head
from slotforge.solvers.provenance import called, keep_others

__all__ = ["export", "kinds"]


def kinds() -> dict[str, str]:
    """Give every kind of artefact with its one-line description."""
    return registry.names(__name__)


def export(slots: Mapping[str, str], kind: str, out: Path, provenance: Mapping[str, Any]) -> Path:
    """Write an artefact that stands alone.

    Args:
        slots: of the candidate, slot name to source.
        kind: one of `kinds`.
        out: file to write; one that was exported before is replaced.
        provenance: what is known of the candidate, as nested mappings, lists and plain values. "tuned numbers" in it,
            of "slot.name" to a mapping with a "value", become the defaults of the artefact.

    Returns:
        The path of what was written.

    Raises:
        UsageError: there is no such kind, what is there already is somebody else's, or no optimizer can be made of it.
        BuildError: a source holds more than a rule may hold.
        SlotforgeError: the artefact cannot be written.
    """
    if kind not in kinds():
        raise UsageError(f"no artefact '{kind}' for optim: choose one of {', '.join(kinds())}")
    keep_others(out, folders=False)
    if not slots:
        raise UsageError("the baseline is the best tuned specialist of each family: name one rule, such as step=adam")
    head = Head(candidate=Candidate(domain="optim", slots=slots), provenance=provenance, file=called(out))
    text: str = registry.load(__name__, kind).text(slots, head)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SlotforgeError(f"{error.filename or out}: cannot be written: {error.strerror}") from error
    return out
