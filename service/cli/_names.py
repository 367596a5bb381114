"""Names that a question to the store may hold: what can be chosen here, and what the store has seen besides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from slotforge.core.errors import UsageError

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore

DOMAINS = ("sat",)


def check_names(store: SqlStore, domain: str, slot: str | None, family: str | None) -> None:
    """Raise UsageError, with the names that there are, when one of these names nothing."""
    from slotforge.lineage import queries

    _check("domain", domain, {*DOMAINS, *queries.domains(store)})
    if slot is not None:
        _check("slot", slot, {*_slots(domain), *queries.slots(store, domain)})
    if family is not None and family not in (seen := queries.families(store)):
        _check_family(domain, family, seen)


def _check(kind: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UsageError(f"no {kind} called '{name}': choose one of {', '.join(sorted(known))}")


def _check_family(domain: str, family: str, seen: Iterable[str]) -> None:
    """Take what the registry can make, which the store may have no measurements of."""
    if domain != "sat":
        return _check("family", family, seen)
    from slotforge.solvers.sat import families

    name = family.partition(":")[0]
    _check("family", name, {*families.names(), *seen})
    families.make(family)
    return None


def _slots(domain: str) -> Iterable[str]:
    from slotforge.search import worker

    return worker.domain(domain).slots() if domain in DOMAINS else ()
