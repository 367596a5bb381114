"""Which candidate is to be exported, and what an export may replace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate
from slotforge.service.cli._candidates import resolve
from slotforge.service.views.provenance import RULES

if TYPE_CHECKING:
    from slotforge.service.cli._source import Source

BASELINE = "baseline"
CPP = (".hpp", ".h", ".cpp")
REPLAY = "replay"
REPLAYED = b'{"key": '  # how the lines of a replay file begin


def replayed(head: bytes) -> bool:
    """Whether a file that begins so is a replay file; that of a run without a model is empty."""
    return head.startswith(REPLAYED) or not head


def meant(ref: str, kind: str, numbers: str | None, source: Source) -> Candidate:
    """Find the candidate; what a kind is of settles the domain of a reference that does not say it.

    Raises:
        UsageError: it is none, or has no numbers to choose.
    """
    candidate = _meant(ref, kind, source)
    if numbers and candidate.domain != RULES:
        raise UsageError(f"--numbers is of step rules, and {ref} is of {candidate.domain}: leave it out")
    return candidate


def _meant(ref: str, kind: str, source: Source) -> Candidate:
    from slotforge.solvers.optim import export, sources

    if kind in export.kinds() and ref == BASELINE:
        return Candidate(domain=RULES)
    if kind in export.kinds() and Path(ref).is_file() and not ref.endswith(CPP):
        return Candidate(domain=RULES, slots=sources.read(Path(ref)))
    return resolve(ref, source)
