"""The tables of summaries: what lists and pages show at once, however much is kept; see `summaries.py`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from slotforge.lineage.columns import Json
from slotforge.lineage.schema import Base


class SlotSet(Base):
    """The slots that some candidates of a domain replace together; none for its baseline."""

    __tablename__ = "slot_set"
    id: Mapped[str] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(index=True)
    slots: Mapped[Any] = mapped_column(Json)


class Tally(Base):
    """How many trials of a run are in a state."""

    __tablename__ = "tally"
    __table_args__ = ({"sqlite_with_rowid": False},)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    trials: Mapped[int]


class RunTotal(Base):
    """Sums over the trials and exchanges of a run, each addend cut to +-1e300 so that no sum overflows.

    trials, ratio: how many there are after the baseline, and the least ratio of those that are scored.
    cpu_s: of all trials, the baseline and controls included.
    """

    __tablename__ = "run_total"
    __table_args__ = ({"sqlite_with_rowid": False},)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    trials: Mapped[int]
    ratio: Mapped[float | None]
    cpu_s: Mapped[float]
    calls: Mapped[int]
    input_tokens: Mapped[float]
    output_tokens: Mapped[float]
    usd: Mapped[float]
    latency_s: Mapped[float]


class Share:
    """What an operator or a model has brought to a run, sums cut as those of `RunTotal`.

    trials, scored, ratio: proposals that it had a part in, those that were measured in full, and their least ratio.
    calls, tokens, usd: of its answers, as far as their trials are there.
    """

    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    trials: Mapped[int]
    scored: Mapped[int]
    ratio: Mapped[float | None]
    calls: Mapped[int]
    tokens: Mapped[float]
    usd: Mapped[float]


class OperatorShare(Share, Base):
    """What an operator has brought, with the answers of whatever model."""

    __tablename__ = "operator_share"
    __table_args__ = ({"sqlite_with_rowid": False},)
    operator: Mapped[str] = mapped_column(primary_key=True)


class ModelShare(Share, Base):
    """What a model has brought; a trial counts for every model that answered."""

    __tablename__ = "model_share"
    __table_args__ = ({"sqlite_with_rowid": False},)
    model: Mapped[str] = mapped_column(primary_key=True)


class Step(Base):
    """A trial, of the baseline and the proposals, that is scored and better than all of them before it."""

    __tablename__ = "step"
    __table_args__ = ({"sqlite_with_rowid": False},)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    ratio: Mapped[float]


class Maker(Base):
    """The trial that made a candidate: of all that led to it the least by (rank, started, run, number).

    rank: 0 for a trial that is scored and has a ratio, 1 without a ratio, 2 and 3 likewise when it is not scored.
    started: when its run was.
    """

    __tablename__ = "maker"
    __table_args__ = ({"sqlite_with_rowid": False},)
    candidate: Mapped[str] = mapped_column(ForeignKey("candidate.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(Integer)
    started: Mapped[float]
    run: Mapped[str] = mapped_column(ForeignKey("run.id"))
    number: Mapped[int] = mapped_column(Integer)


class Stands:
    """How a candidate with slots stands against its baseline: by its newest verdict, else by its best search.

    rank: 0 where the verdict is "better", else 1.
    run: that the verdict belongs to, or of the search; of equal searches the first by id.
    verdict: its id; none is known from searches alone.
    """

    domain: Mapped[str]
    slot_set: Mapped[str] = mapped_column(ForeignKey("slot_set.id"))
    rank: Mapped[int] = mapped_column(Integer)
    ratio: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    run: Mapped[str | None] = mapped_column(ForeignKey("run.id"))
    verdict: Mapped[int | None] = mapped_column(Integer)


class Standing(Stands, Base):
    """How a candidate stands over all families."""

    __tablename__ = "standing"
    __table_args__ = (
        Index(None, "domain", "rank", "ratio", "candidate"),
        Index(None, "slot_set", "rank", "ratio", "candidate"),
        {"sqlite_with_rowid": False},
    )
    candidate: Mapped[str] = mapped_column(ForeignKey("candidate.id"), primary_key=True)


class FamilyStanding(Stands, Base):
    """How a candidate stands on one family."""

    __tablename__ = "family_standing"
    __table_args__ = (
        Index(None, "family", "domain", "rank", "ratio", "candidate"),
        Index(None, "family", "slot_set", "rank", "ratio", "candidate"),
        {"sqlite_with_rowid": False},
    )
    candidate: Mapped[str] = mapped_column(ForeignKey("candidate.id"), primary_key=True)
    family: Mapped[str] = mapped_column(primary_key=True)
