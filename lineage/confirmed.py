"""The candidates of a domain that unseen instances have confirmed, and what they were found on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import select

from slotforge.core import types as core
from slotforge.lineage import rows, schema
from slotforge.lineage.queries import lineage
from slotforge.lineage.store import SqlStore

BETTER = "better"


class Confirmed(core.Record):
    """A candidate whose newest verdict against the baseline is "better".

    run: that the verdict belongs to, if it belongs to one.
    ratio: of costs in the verdict.
    families: of the instances of the verdict, with their ratios; one ratio for all where there is but one.
    """

    candidate: core.Candidate
    run: str | None
    ratio: float
    families: Mapping[str, float]


def confirmed(store: SqlStore, domain: str) -> tuple[Confirmed, ...]:
    """List the confirmed candidates of a domain, the lowest ratio first."""
    verdict, part, pair = schema.Verdict, schema.VerdictFamily, schema.VerdictMeasurement
    query = (
        select(verdict.id, verdict.candidate, verdict.run, part.ratio, part.outcome)
        .join(part, part.verdict == verdict.id)
        .join(schema.Candidate, schema.Candidate.id == verdict.candidate)
        .where(
            schema.Candidate.domain == domain,
            verdict.against == core.Candidate(domain=domain).id,
            part.family.is_(None),
        )
        .order_by(verdict.id)
    )
    with store.reading() as connection:
        newest = {row.candidate: row for row in connection.execute(query)}
        found = {row.id: row for row in newest.values() if row.outcome == BETTER}
        on = select(pair.verdict, pair.family).where(pair.verdict.in_(found), pair.position % 2 == 0).distinct()
        of = select(part.verdict, part.family, part.ratio).where(part.verdict.in_(found), part.family.is_not(None))
        families: dict[int, dict[str, float]] = defaultdict(dict)
        for number, family in connection.execute(on):
            families[number][family] = found[number].ratio
        for number, of_family, ratio in connection.execute(of):
            families[number][str(of_family)] = ratio
        made = rows.candidates(connection, (row.candidate for row in found.values()), domain=domain)
    best = sorted(found.values(), key=lambda row: (row.ratio, row.candidate))
    return tuple(
        Confirmed(candidate=made[row.candidate], run=row.run, ratio=row.ratio, families=families[row.id])
        for row in best
    )


def runs_behind(store: SqlStore, known: Confirmed) -> frozenset[str]:
    """Return the runs whose instances had a say in what a candidate is: that made it or an ancestor, or chose it.

    The baseline and built-in policies are no run's work.
    """
    found = {known.run} if known.run else set[str]()
    for ancestor in lineage(store, known.candidate.id):
        if ancestor.run and ancestor.operator != "baseline" and not ancestor.operator.startswith("builtin "):
            found.add(ancestor.run)
    return frozenset(found)
