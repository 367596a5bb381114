"""What a user may write where a command takes a candidate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from slotforge.core.errors import UsageError
from slotforge.core.types import Candidate

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore


def resolve(ref: str, store: SqlStore | None = None) -> Candidate:
    """Find the candidate that a reference means.

    Args:
        ref: "baseline"; an id of the store, or the beginning of one; the path of a heuristics file; or built-in
            variants as "restart_due=Luby,decay=EasySat".
        store: where ids are looked up; None is the user's own, opened only when it is needed.

    Raises:
        UsageError: nothing of the kind exists.
        StoreError: no candidate has this id.
        BuildError: the file holds no policies that could be used.
    """
    from slotforge.solvers.sat import heuristics

    found: list[Candidate] = []

    def known(ref: str) -> Mapping[str, str]:
        from slotforge.lineage import queries

        if store is not None:
            found.append(queries.candidate(store, ref))
        else:
            from slotforge.lineage.store import open_store

            with open_store() as own:
                found.append(queries.candidate(own, ref))
        if found[0].domain != "sat":
            raise UsageError(f"candidate {found[0].id} is of domain {found[0].domain}, a SAT solver cannot use it")
        return found[0].slots

    slots = heuristics.resolve(ref, known)
    return found[0] if found else Candidate(domain="sat", slots=slots)
