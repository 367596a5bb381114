"""What a user may write where a command takes a candidate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from string import hexdigits
from typing import TYPE_CHECKING

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate
from slotforge.service.cli._names import DOMAINS
from slotforge.service.cli._place import Place

if TYPE_CHECKING:
    from slotforge.service.cli._source import Source

PLAIN = tuple(name for name in DOMAINS if name not in ("sat", "optim"))
"""Domains that have no notation of their own for candidates."""


def resolve(ref: str, known: Source | Place | str | None = None) -> Candidate:
    """Find the candidate that a reference means.

    Args:
        ref: "baseline"; an id of the store, or the beginning of one; the path of a heuristics file or of one of step
            rules; or built-in variants as "restart_due=Luby,decay=EasySat", "step=adam,schedule=mine.py" or
            "priority=first_fit".
        known: where ids are looked up, what is open or its place; a text is a store's, and None the user's own. It is
            opened only when it is needed.

    Raises:
        UsageError: nothing of the kind exists.
        StoreError: the store cannot be opened.
        BuildError: the file holds no policies that could be used.
    """
    from slotforge.solvers.optim import builtin
    from slotforge.solvers.sat import heuristics

    if rules := builtin.read(ref):
        return Candidate(domain="optim", slots=rules)
    if variant := _variant(ref):
        return variant
    if set(ref) <= set(hexdigits) and (stored := look_up(ref, known)).domain != "sat":
        return stored
    if os.sep in ref and not os.path.exists(ref):
        raise UsageError(f"{ref}: no such heuristics file")
    _check_slot(ref)
    found: list[Candidate] = []

    def slots_of(ref: str) -> Mapping[str, str]:
        found.append(look_up(ref, known))
        return found[0].slots

    slots = heuristics.resolve(ref, slots_of)
    return found[0] if found else Candidate(domain="sat", slots=slots)


def _variant(ref: str) -> Candidate | None:
    """Find a built-in policy of a domain with few slots, which are read as its `slots()`; None where it is none."""
    from slotforge.search.worker import domain

    slot, equals, name = ref.partition("=")
    for known in PLAIN if equals else ():
        if slot in (slots := domain(known).slots()):
            if name not in slots[slot].variants:
                raise UsageError(f"no {slot} called '{name}': choose one of {', '.join(slots[slot].variants)}")
            return Candidate(domain=known, slots={slot: slots[slot].variants[name]})
    return None


def _check_slot(ref: str) -> None:
    """Raise UsageError where the first slot that is named is one of no domain."""
    from slotforge.search.worker import domain

    slot, equals, _ = ref.partition("=")
    if equals and not os.path.exists(ref) and not any(slot.strip() in domain(known).slots() for known in DOMAINS):
        raise UsageError(f"no slot called '{slot.strip()}': see `slotforge list slots --domain DOMAIN`")


def look_up(ref: str, known: Source | Place | str | None) -> Candidate:
    """Find a candidate of any domain by its id, or the beginning of it; raises as `resolve`."""
    if known is None or isinstance(known, str):
        known = Place(store=known)
    if not isinstance(known, Place):
        return known.candidate(ref)
    with known.open() as opened:
        return opened.candidate(ref)
