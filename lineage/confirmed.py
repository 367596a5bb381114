"""The candidates of a domain that unseen instances have confirmed, and what they were found on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from slotforge.core import operators
from slotforge.core import types as core
from slotforge.core.errors import UnknownId
from slotforge.lineage import rows, schema
from slotforge.lineage.queries import lineage
from slotforge.lineage.refutations import refutations
from slotforge.lineage.store import SqlStore
from slotforge.lineage.verdicts import BETTER


class Confirmed(core.Record):
    """A candidate whose newest verdict against the baseline is "better" on some families, and that was never refuted.

    runs: that have a verdict "better" on it.
    ratio: of costs in the newest of them.
    families: on which it is confirmed, each with its ratio in its newest verdict; one ratio for all where the verdict
        is over one family.
    """

    candidate: core.Candidate
    runs: frozenset[str]
    ratio: float
    families: Mapping[str, float]


def confirmed(store: SqlStore, domain: str) -> tuple[Confirmed, ...]:
    """List the confirmed candidates of a domain, the lowest ratio first."""
    verdict, part, pair = schema.Verdict, schema.VerdictFamily, schema.VerdictMeasurement
    ours = verdict.against == core.Candidate(domain=domain).id
    overall = select(verdict.id, verdict.candidate, verdict.run, part.ratio, part.outcome).join(
        part, part.verdict == verdict.id
    )
    measured = select(pair.verdict, pair.family).join(verdict, verdict.id == pair.verdict).distinct()
    parts = select(part.verdict, part.family, part.ratio).join(verdict, verdict.id == part.verdict)
    better: dict[str, dict[str, Any]] = defaultdict(dict)  # newest verdicts by candidate and family
    runs: dict[str, set[str]] = defaultdict(set)
    with store.reading() as connection:
        refuted = refutations(connection)
        told = {row.id: row for row in connection.execute(overall.where(ours, part.family.is_(None)))}
        for number, family in connection.execute(measured.where(ours).order_by(pair.verdict)):
            row = told[number]
            better[row.candidate].pop(family, None)
            if row.outcome == BETTER and row.candidate not in refuted:
                better[row.candidate][family] = row
                runs[row.candidate] |= {row.run} - {None}
        found = connection.execute(parts.where(ours, part.family.is_not(None)))
        ratios = {(number, family): ratio for number, family, ratio in found}
        made = rows.candidates(connection, (id_ for id_, newest in better.items() if newest), domain=domain)
    known = []
    for id_, candidate in made.items():
        last = max(better[id_].values(), key=lambda row: row.id)
        families = {family: ratios.get((row.id, family), row.ratio) for family, row in better[id_].items()}
        known.append(Confirmed(candidate=candidate, runs=frozenset(runs[id_]), ratio=last.ratio, families=families))
    return tuple(sorted(known, key=lambda one: (one.ratio, one.candidate.id)))


def runs_behind(store: SqlStore, candidate: str) -> frozenset[str]:
    """Return the runs whose instances had a say in what a candidate is: that made it or an ancestor.

    The baseline and built-in policies are no run's work, and what the store does not know is none's.
    """
    try:
        ancestors = lineage(store, candidate)
    except UnknownId:
        return frozenset()
    return frozenset(one.run for one in ancestors if one.run and _proposed(one.operator))


def _proposed(operator: str) -> bool:
    return operator != operators.BASELINE and not operator.startswith(operators.BUILTIN)
