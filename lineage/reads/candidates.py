"""A candidate: its sources, the trial that made it, the verdicts on it, and what was exported from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath

from sqlalchemy import Connection, Executable, Integer, bindparam, func, select

from slotforge.core.comparison import Verdict
from slotforge.core.types import Record
from slotforge.lineage import rows, schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.lookup import find
from slotforge.lineage.prepared import prepared
from slotforge.lineage.reads.measured import Rival, rival
from slotforge.lineage.reads.trials import TrialLine, lines
from slotforge.lineage.records import moment
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import Maker
from slotforge.lineage.verdicts import figures, told

MOST = 20  # verdicts, and exports, that are told at once: the newest
ALL = 2**31 - 1
OF = bindparam("of", type_=Exact())


class Judged(Record):
    """A verdict on a candidate, without the pairs behind it.

    id: of the verdict.
    environment: of the pairs; empty where it is not known.
    """

    id: int
    run: str | None
    against: str
    at: datetime
    verdict: Verdict
    environment: Mapping[str, str]


class Exported(Record):
    """Something exported from a candidate. artefact: by which the service gives it out; None is elsewhere."""

    kind: str
    artefact: str | None
    at: datetime


class CandidateView(Record):
    """A candidate as it is shown.

    slots: sources by slot; none is the baseline.
    made: the trial that made it, of several the one that got furthest; None where it was handed in.
    incumbent: that this trial was raced against; None where it was not raced, or where that was not kept yet.
    trials: how many led to it.
    verdicts, artefacts: the newest, in the order in which they were kept.
    """

    id: str
    domain: str
    slots: Mapping[str, str]
    made: TrialLine | None
    incumbent: Rival | None
    trials: int
    verdicts: tuple[Judged, ...]
    artefacts: tuple[Exported, ...]


def candidate(store: SqlStore, ref: str, *, verdicts: int | None = MOST) -> CandidateView:
    """Return what is shown of a candidate, given its id or the beginning of one.

    Args:
        verdicts: how many of the newest to tell; None is all.

    Raises:
        UnknownId: it fits none, or several.
    """
    with store.reading() as connection:
        _, id_ = find(connection, ref, "candidate")
        own = rows.candidates(connection, [id_])[id_]
        made = maker(connection, id_)
        return CandidateView(
            id=id_,
            domain=own.domain,
            slots=own.slots,
            made=made,
            incumbent=rival(connection, made.run, made.against) if made else None,
            trials=_count().scalar(connection, of=id_),
            verdicts=_verdicts(connection, id_, verdicts),
            artefacts=_exported(connection, id_),
        )


def known(store: SqlStore, id_: str) -> bool:
    """Whether the store holds a candidate; a parent may have been handed in from elsewhere."""
    with store.reading() as connection:
        return connection.scalar(select(schema.Candidate.id).where(schema.Candidate.id == id_)) is not None


def maker(connection: Connection, id_: str) -> TrialLine | None:
    """Find the trial that made a candidate: that which got furthest, of those the earliest."""
    return next(iter(lines(connection, _maker().mappings(connection, of=id_))), None)


@prepared
def _maker() -> Executable:
    trial = schema.Trial
    own = (Maker.run == trial.run) & (Maker.number == trial.number)
    return select(trial.__table__).join(Maker, own).where(Maker.candidate == OF)


@prepared
def _count() -> Executable:
    return select(func.count()).where(schema.Trial.candidate == OF)


@prepared
def _newest() -> Executable:
    row = schema.Verdict
    return select(row.id).where(row.candidate == OF).order_by(row.id.desc()).limit(bindparam("most", type_=Integer()))


@prepared
def _exports() -> Executable:
    row = schema.Artefact
    return select(row.kind, row.path, row.at).where(row.candidate == OF).order_by(row.id.desc()).limit(MOST)


def _verdicts(connection: Connection, id_: str, most: int | None) -> tuple[Judged, ...]:
    newest = _newest().scalars(connection, of=id_, most=ALL if most is None else most)
    if not newest:
        return ()
    overall, families = figures(connection, "id", newest)
    return tuple(
        Judged(
            **{name: one[name] for name in ("id", "run", "against")},
            at=moment(one["at"]),
            verdict=Verdict(
                **overall[one["id"]],
                families=families[one["id"]],
                **{name: one[name] for name in ("proofs", "models", "notes")},
            ),
            environment=one["facts"] or {},
        )
        for one in told(connection, "id", newest)
    )


def _exported(connection: Connection, id_: str) -> tuple[Exported, ...]:
    found = _exports().rows(connection, of=id_)[::-1]
    return tuple(Exported(kind=kind, artefact=artefact_of(path), at=moment(at)) for kind, path, at in found)


def artefact_of(path: str) -> str | None:
    """Tell the artefact that a path lies in, as artefacts/ID/FILE; None where it is another."""
    parts = PurePath(path).parts
    return parts[-2] if len(parts) > 2 and parts[-3] == "artefacts" else None
