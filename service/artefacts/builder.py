"""Builds artefacts, each in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from slotforge import __version__
from slotforge.core import errors
from slotforge.core.errors import SlotforgeError, UnknownId, UsageError
from slotforge.core.ids import content_id
from slotforge.core.types import Candidate
from slotforge.lineage import queries
from slotforge.lineage.store import SqlStore
from slotforge.service.artefacts import apart, shared, shelf, worker
from slotforge.service.artefacts.shelf import ArtefactRecord
from slotforge.service.artefacts.worker import Done, Task
from slotforge.service.views.provenance import RULES, provenance

SUFFIXES = {"solver": "", "cpp": ".hpp"}
Numbers = Literal["tuned", "declared"]


def kinds(domain: str) -> Mapping[str, str]:
    """Give the kinds of artefacts of a domain, each with one line; a domain that is not ours has none."""
    from slotforge.solvers.optim import export as rules
    from slotforge.solvers.policy import export as policies
    from slotforge.solvers.sat import export as sat

    known = {"sat": sat.kinds(), RULES: rules.kinds(), "packing": policies.KINDS, "tsp": policies.KINDS}
    return known.get(domain, {})


def build(store: SqlStore, ref: str, kind: str, *, numbers: Numbers | None = None) -> tuple[ArtefactRecord, bool]:
    """Export a candidate, unless that was done before, on whatever server.

    Args:
        ref: id of the candidate, or the beginning of it.
        numbers: of step rules alone: defaults are medians of the best that was found, or what the rule declares.

    Returns:
        The artefact, and whether it was built just now.

    Raises:
        UnknownId: there is no such candidate.
        UsageError: its domain has no such kind, or no numbers.
        apart.Busy: too many are being built at once.
        BuildError: it does not compile, or not in time.
    """
    candidate = queries.candidate(store, ref)
    if kind not in (offered := kinds(candidate.domain)):
        raise UsageError(f"no artefact '{kind}' for {candidate.domain}: choose one of {', '.join(offered) or 'none'}")
    if numbers and candidate.domain != RULES:
        raise UsageError(f"numbers are of step rules, and {candidate.id} is of {candidate.domain}: leave them out")
    told = provenance(store, candidate, tuned=numbers != "declared")
    id_ = content_id({"candidate": candidate.id, "kind": kind, "provenance": told, "version": __version__})
    try:
        (record, path), new = shared.find(store, id_), False
    except UnknownId:
        (record, path), new = _make(id_, candidate, kind, told), True
    shared.keep(store, record, path)
    if new:
        store.record_artefact(candidate, kind, path)
    return record, new


def _make(id_: str, candidate: Candidate, kind: str, told: Mapping[str, Any]) -> tuple[ArtefactRecord, Path]:
    """Build in a draft that becomes the artefact at once or not at all."""
    with apart.turn("exports"), shelf.draft() as draft:
        out = draft / f"{kind}_{candidate.id}{SUFFIXES.get(kind, '.py')}"
        written = _export(Task(candidate=candidate, kind=kind, out=str(out), provenance=told))
        return shelf.put(draft, shelf.describe(written, id_=id_, candidate=candidate.id, kind=kind))


def _export(task: Task) -> Path:
    out = apart.run(worker.__name__, task, folder=shelf.folder(), what=f"export as {task.kind}")
    done = apart.read(Done, out)
    if done.error:
        raise getattr(errors, done.error, SlotforgeError)(done.why)
    return Path(done.written)
