"""Two candidates that are to be compared: "baseline" is that of the other one's domain."""

from __future__ import annotations

from string import hexdigits
from typing import TYPE_CHECKING

from slotforge.core.types import Candidate
from slotforge.service.cli._candidates import look_up, resolve
from slotforge.service.cli._place import Place

if TYPE_CHECKING:
    from slotforge.service.cli._source import Source

BASELINE = "baseline"


def resolve_pair(a: str, b: str, known: Source | Place) -> tuple[Candidate, Candidate]:
    """Find two candidates by ids, heuristics files or names; raises as `resolve`."""
    found = [None if ref == BASELINE else _resolve(ref, known) for ref in (a, b)]
    domain = next((one.domain for one in found if one is not None), "sat")
    first, second = (one or Candidate(domain=domain) for one in found)
    return first, second


def _resolve(ref: str, known: Source | Place) -> Candidate:
    """Find one candidate: an id may be of any domain, whatever else is a solver's."""
    return look_up(ref, known) if set(ref) <= set(hexdigits) else resolve(ref, known)
