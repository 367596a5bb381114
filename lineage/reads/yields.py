"""What operators and models have brought in a run: how much was tried, measured and better than all before."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from slotforge.core.types import Record
from slotforge.lineage import schema
from slotforge.lineage.columns import Exact
from slotforge.lineage.store import SqlStore
from slotforge.lineage.summary_schema import ModelShare, OperatorShare, Step


class Yield(Record):
    """What an operator or a model has brought.

    trials: that it had a part in; scored: those that were measured in full; best: their least ratio.
    improved: how often it was better than all before; see `Curve`.
    calls, tokens, usd: what its answers cost.
    """

    name: str
    trials: int
    scored: int
    best: float | None
    improved: int
    calls: int
    tokens: int
    usd: float


class Yields(Record):
    """What was brought by operators and by models, those with most trials first."""

    operators: tuple[Yield, ...]
    models: tuple[Yield, ...]


def yields(store: SqlStore, run: str) -> Yields:
    """Tell what the proposals of a run have brought; by model a trial counts for every one that answered."""
    with store.reading() as connection:
        return Yields(operators=_read(connection, run, "operator"), models=_read(connection, run, "model"))


def _read(connection: Connection, run: str, kind: str) -> tuple[Yield, ...]:
    shares, improved = _queries(kind)
    better: dict[str, int] = dict(iter(connection.execute(improved, {"of": run})))
    return tuple(
        Yield(
            name=row[kind],
            best=row["ratio"],
            improved=better.get(row[kind], 0),
            tokens=int(row["tokens"]),
            **{name: row[name] for name in ("trials", "scored", "calls", "usd")},
        )
        for row in connection.execute(shares, {"of": run}).mappings()
    )


@cache
def _queries(kind: str) -> tuple[Any, Any]:
    """Write the queries for the shares of a run, and for the steps that each of them had a part in."""
    of = bindparam("of", type_=Exact())
    share: Any = {"operator": OperatorShare, "model": ModelShare}[kind]
    part: Any = {"operator": schema.Trial, "model": schema.Completion}[kind]
    name = getattr(part, kind)
    steps = (
        select(name, func.count(part.number.distinct()))
        .join(Step, (Step.run == part.run) & (Step.number == part.number))
        .where(Step.run == of, Step.number > 0)
    )
    shares = select(share.__table__).where(share.run == of).order_by(share.trials.desc(), getattr(share, kind))
    return shares, steps.group_by(name)
