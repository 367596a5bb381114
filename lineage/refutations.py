"""Candidates that gave a wrong answer, or failed where what they were held against did not: nothing confirms them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select

from slotforge.core.comparison import REFUTED
from slotforge.lineage import schema

CHUNK = 500  # candidates in one condition


def refutations(connection: Connection, candidates: Collection[str] | None = None) -> dict[str, Mapping[str, Any]]:
    """Return the first verdict that refuted each of some candidates, or of all, whatever it was held against.

    Returns:
        By candidate: `verdict` (its id), `run`, `ratio`, `low` and `high`.
    """
    verdict, part = schema.Verdict, schema.VerdictFamily
    figures = (part.ratio, part.low, part.high)
    query = select(verdict.candidate, verdict.id.label("verdict"), verdict.run, verdict.notes, *figures)
    query = query.join(part, part.verdict == verdict.id).order_by(verdict.id)
    query = query.where(part.family.is_(None), part.outcome == "worse", part.p == 0)
    wanted = sorted(candidates or ())
    asked = [query] if candidates is None else [
        query.where(verdict.candidate.in_(wanted[begin : begin + CHUNK])) for begin in range(0, len(wanted), CHUNK)
    ]  # fmt: skip
    found: dict[str, Mapping[str, Any]] = {}
    for one in asked:
        for row in connection.execute(one).mappings():
            if any(note.startswith(REFUTED) for note in row["notes"]):
                told = {name: row[name] for name in ("verdict", "run", "ratio", "low", "high")}
                found.setdefault(row["candidate"], told)
    return found
