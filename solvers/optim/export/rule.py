"""The rules alone, as one text file that slotforge reads."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.solvers.optim.adapters._load import checked
from slotforge.solvers.optim.export._file import Head
from slotforge.solvers.optim.sources import sections
from slotforge.solvers.provenance import title


def text(slots: Mapping[str, str], head: Head) -> str:
    """Write the file."""
    checked(slots)
    return f"# {title(head.candidate)}\n{head.comments}\n\n{sections(slots)}"
