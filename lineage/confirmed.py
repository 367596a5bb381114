"""The candidates of a domain that unseen instances have confirmed, and what they were found on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import select

from slotforge.core import operators
from slotforge.core import types as core
from slotforge.core.comparison import REFUTED
from slotforge.core.errors import StoreError
from slotforge.lineage import rows, schema
from slotforge.lineage.queries import lineage
from slotforge.lineage.store import SqlStore
from slotforge.lineage.verdicts import BETTER


class Confirmed(core.Record):
    """A candidate whose newest verdict against the baseline is "better" on some families, and that was never refuted.

    run: that the newest of these verdicts belongs to, if it belongs to one.
    ratio: of costs in that verdict.
    families: on which it is confirmed, each with its ratio in its newest verdict; one ratio for all where the verdict
        is over one family.
    """

    candidate: core.Candidate
    run: str | None
    ratio: float
    families: Mapping[str, float]


def confirmed(store: SqlStore, domain: str) -> tuple[Confirmed, ...]:
    """List the confirmed candidates of a domain, the lowest ratio first."""
    verdict, part, pair = schema.Verdict, schema.VerdictFamily, schema.VerdictMeasurement
    query = (
        select(verdict.id, verdict.candidate, verdict.run, verdict.notes, verdict.against, part.ratio, part.outcome)
        .join(part, part.verdict == verdict.id)
        .join(schema.Candidate, schema.Candidate.id == verdict.candidate)
        .where(schema.Candidate.domain == domain, part.family.is_(None))
        .order_by(verdict.id)
    )
    baseline = core.Candidate(domain=domain).id
    with store.reading() as connection:
        told = connection.execute(query).all()
        refuted = {row.candidate for row in told if any(note.startswith(REFUTED) for note in row.notes)}
        on = {row.id: row for row in told if row.against == baseline and row.candidate not in refuted}
        newest: dict[str, dict[str, int]] = defaultdict(dict)  # verdicts by candidate and family
        measured = select(pair.verdict, pair.family).where(pair.verdict.in_(on)).distinct().order_by(pair.verdict)
        for number, family in connection.execute(measured):
            newest[on[number].candidate][family] = number
        found = {
            candidate: {family: on[number] for family, number in verdicts.items() if on[number].outcome == BETTER}
            for candidate, verdicts in newest.items()
        }
        of = select(part.verdict, part.family, part.ratio).where(part.verdict.in_(on), part.family.is_not(None))
        ratios = {(number, family): ratio for number, family, ratio in connection.execute(of)}
        made = rows.candidates(connection, (id_ for id_, better in found.items() if better), domain=domain)
    known = []
    for id_, better in found.items():
        if better:
            last = max(better.values(), key=lambda row: row.id)
            families = {family: ratios.get((row.id, family), row.ratio) for family, row in better.items()}
            known.append(Confirmed(candidate=made[id_], run=last.run, ratio=last.ratio, families=families))
    return tuple(sorted(known, key=lambda one: (one.ratio, one.candidate.id)))


def runs_behind(store: SqlStore, candidate: str) -> frozenset[str]:
    """Return the runs whose instances had a say in what a candidate is: that made it or an ancestor.

    The baseline and built-in policies are no run's work, and what the store does not know is none's.
    """
    try:
        ancestors = lineage(store, candidate)
    except StoreError:
        return frozenset()
    return frozenset(one.run for one in ancestors if one.run and _proposed(one.operator))


def _proposed(operator: str) -> bool:
    return operator != operators.BASELINE and not operator.startswith(operators.BUILTIN)
