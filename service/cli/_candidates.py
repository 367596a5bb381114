"""What a user may write where a command takes a candidate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from string import hexdigits
from typing import TYPE_CHECKING

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore

Place = str | None
"""Where a store is: its file or URL, or None for the user's own."""


def resolve(ref: str, store: SqlStore | Place = None) -> Candidate:
    """Find the candidate that a reference means.

    Args:
        ref: "baseline"; an id of the store, or the beginning of one; the path of a heuristics file or of a rule
            (*.py); or built-in variants as "restart_due=Luby,decay=EasySat" or "step=adam,schedule=cosine".
        store: where ids are looked up; a place is opened only when it is needed.

    Raises:
        UsageError: nothing of the kind exists.
        StoreError: the store cannot be opened.
        BuildError: the file holds no policies that could be used.
    """
    from slotforge.solvers.optim import builtin
    from slotforge.solvers.sat import heuristics

    if rules := builtin.read(ref):
        return Candidate(domain="optim", slots=rules)
    if set(ref) <= set(hexdigits) and (stored := look_up(ref, store)).domain != "sat":
        return stored
    if os.sep in ref and not os.path.exists(ref):
        raise UsageError(f"{ref}: no such heuristics file")
    found: list[Candidate] = []

    def known(ref: str) -> Mapping[str, str]:
        found.append(look_up(ref, store))
        return found[0].slots

    slots = heuristics.resolve(ref, known)
    return found[0] if found else Candidate(domain="sat", slots=slots)


def look_up(ref: str, store: SqlStore | Place) -> Candidate:
    """Find a candidate of any domain by its id, or the beginning of it; raises as `resolve`."""
    from slotforge.lineage import queries
    from slotforge.lineage.store import SqlStore, open_store

    if isinstance(store, SqlStore):
        return queries.candidate(store, ref)
    with open_store(store, new=False) as opened:
        return queries.candidate(opened, ref)
