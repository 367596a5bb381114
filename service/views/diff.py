"""How two candidates differ, slot by slot."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate, Record
from slotforge.lineage import queries
from slotforge.lineage.reads.candidates import candidate as shown
from slotforge.lineage.reads.candidates import known
from slotforge.lineage.store import SqlStore
from slotforge.search import worker

BASELINE = "baseline"
PARENT = "parent"


class Diff(Record):
    """The unified diff from a to b of each slot that differs. a, b: ids."""

    a: str
    b: str
    slots: Mapping[str, str]


def diff(old: Candidate, new: Candidate) -> Diff:
    """Compare the sources of two candidates; a slot that one does not replace has its default source.

    Where their domain is not installed here, that is not known, and nothing stands in its place.
    """
    defaults = _defaults(new.domain)
    found: dict[str, str] = {}
    for slot in sorted({**old.slots, **new.slots}):
        before, after = (one.slots.get(slot, defaults.get(slot, "")).strip().splitlines() for one in (old, new))
        left, right = (f"{slot} {one.id if slot in one.slots else 'default'}" for one in (old, new))
        if lines := list(difflib.unified_diff(before, after, left, right, lineterm="")):
            found[slot] = "\n".join(lines)
    return Diff(a=old.id, b=new.id, slots=found)


def _defaults(domain: str) -> Mapping[str, str]:
    try:
        return {name: slot.default for name, slot in worker.domain(domain).slots().items()}
    except UsageError:
        return {}


def diff_from(store: SqlStore, ref: str, to: str = PARENT) -> Diff:
    """Show what a candidate changes.

    Args:
        ref: id of the candidate, or the beginning of it.
        to: what it is compared to: "parent", the first of the trial that made it, or the baseline where it has none;
            "baseline"; or another candidate by its id.

    Raises:
        UnknownId: there is no such candidate.
        UsageError: it is of another domain.
    """
    new = shown(store, ref)
    made = Candidate(domain=new.domain, slots=new.slots)
    if to == PARENT:
        to = next((parent for parent in (new.made.parents if new.made else ()) if known(store, parent)), BASELINE)
    old = Candidate(domain=new.domain) if to == BASELINE else queries.candidate(store, to)
    if old.domain != new.domain:
        raise UsageError(f"{new.id} is of {new.domain}, and {old.id} of {old.domain}: choose one of the same domain")
    return diff(old, made)
