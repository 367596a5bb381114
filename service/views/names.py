"""Names that a question to the store may hold: what can be chosen here, and what the store has seen besides."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from slotforge.core import registry
from slotforge.core.errors import UsageError

if TYPE_CHECKING:
    from slotforge.lineage.store import SqlStore

FAMILIES = {
    "optim": "slotforge.solvers.optim.problems",
    "packing": "slotforge.solvers.packing.families",
    "sat": "slotforge.solvers.sat.families",
    "tsp": "slotforge.solvers.tsp.families",
}
READERS = {name: (package, "make") for name, package in FAMILIES.items()} | {
    "optim": ("slotforge.solvers.optim.case", "parse")
}
DOMAINS = tuple(FAMILIES)


def check_names(store: SqlStore, domain: str, slot: str | None, family: str | None) -> None:
    """Raise UsageError, with the names that there are, when one of these names nothing."""
    from slotforge.lineage import queries

    _check("domain", domain, {*DOMAINS, *queries.domains(store)})
    if slot is not None:
        _check("slot", slot, {*_slots(domain), *queries.slots(store, domain)})
    if family is not None and family not in (seen := queries.families(store)):
        _check_family(domain, family, seen)


def check_known(domain: str, slot: str | None, family: str | None) -> None:
    """Do so without a store, with the names that can be chosen here."""
    _check("domain", domain, DOMAINS)
    if slot is not None:
        _check("slot", slot, _slots(domain))
    if family is not None:
        _check_family(domain, family, ())


def _check(kind: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UsageError(f"no {kind} called '{name}': choose one of {', '.join(sorted(known))}")


def check_spec(domain: str, spec: str) -> None:
    """Raise UsageError unless a spec names a family that can be generated; nothing else will do, and no path."""
    _check_family(domain, spec, ())


def _check_family(domain: str, family: str, seen: Iterable[str]) -> None:
    """Take what the registry can make, which the store may have no measurements of."""
    if domain not in FAMILIES:
        return _check("family", family, seen)
    _check("family", family.partition(":")[0], {*registry.names(FAMILIES[domain]), *seen})
    module, function = READERS[domain]
    getattr(importlib.import_module(module), function)(family)
    return None


def _slots(domain: str) -> Iterable[str]:
    from slotforge.search import worker

    return worker.domain(domain).slots() if domain in DOMAINS else ()
