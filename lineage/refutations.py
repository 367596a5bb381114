"""Candidates that gave a wrong answer, or failed where what they were held against did not: nothing confirms them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Executable, select

from slotforge.core.comparison import REFUTED
from slotforge.lineage import schema
from slotforge.lineage.prepared import prepared
from slotforge.lineage.rows import IDS

CHUNK = 500  # candidates in one condition


def refutations(connection: Connection, candidates: Collection[str] | None = None) -> dict[str, Mapping[str, Any]]:
    """Return the first verdict that refuted each of some candidates, or of all, whatever it was held against.

    Returns:
        By candidate: `verdict` (its id), `run`, `ratio`, `low` and `high`.
    """
    wanted = None if candidates is None else sorted(candidates)
    chunks = [{}] if wanted is None else [{"ids": wanted[at : at + CHUNK]} for at in range(0, len(wanted), CHUNK)]
    query = _refuting(some=wanted is not None)
    found: dict[str, Mapping[str, Any]] = {}
    for row in chain.from_iterable(query.mappings(connection, **chunk) for chunk in chunks):
        if any(note.startswith(REFUTED) for note in row["notes"]):
            told = {name: row[name] for name in ("verdict", "run", "ratio", "low", "high")}
            found.setdefault(row["candidate"], told)
    return found


@prepared
def _refuting(*, some: bool) -> Executable:
    verdict, part = schema.Verdict, schema.VerdictFamily
    figures = (part.ratio, part.low, part.high)
    query = select(verdict.candidate, verdict.id.label("verdict"), verdict.run, verdict.notes, *figures)
    query = query.join(part, part.verdict == verdict.id).order_by(verdict.id)
    query = query.where(part.family.is_(None), part.outcome == "worse", part.p == 0)
    return query.where(verdict.candidate.in_(IDS)) if some else query
